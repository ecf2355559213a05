/// Memory in which the keys of a block are put together: their shared prefix stands at its start, and a
/// suffix is put behind it.
///
/// ```
///   prefix       | suffix, another for each key |  free up to the capacity
/// ```
@safe
package struct KeyRoom {
  private let start: UnsafeMutableRawPointer
  private let prefixCount: Int
  private let capacity: Int

  /// The caller vouches for `capacity` bytes at `start` for as long as the room is used, of which
  /// `prefixCount` are the prefix.
  package init(unsafeStart start: UnsafeMutableRawPointer, prefixCount: Int, capacity: Int) {
    unsafe self.start = start
    self.prefixCount = prefixCount
    self.capacity = capacity
  }

  /// No room at all.
  init() {
    unsafe start = UnsafeMutableRawPointer(mutating: ByteView.empty.start)
    prefixCount = 0
    capacity = 0
  }

  /// The key that ends with `suffix`, until the next call; nil where the room is too small. A key
  /// without a shared prefix is lent as it is.
  @inline(__always)
  package func key(endingWith suffix: ByteView) -> ByteView? {
    guard prefixCount > 0 else { return suffix }
    let count = prefixCount &+ suffix.count
    guard count <= capacity else { return nil }
    unsafe suffix.copyShort(to: start + prefixCount)
    return unsafe ByteView(unsafeStart: UnsafeRawPointer(start), count: count)
  }
}

extension ByteView {
  /// Copies the bytes to memory that has room for them; without a call where they are few.
  @inline(__always)
  fileprivate func copyShort(to target: UnsafeMutableRawPointer) {
    let source = unsafe start
    if count > 16 { return unsafe target.copyMemory(from: source, byteCount: count) }
    // Two pieces that may overlap make any number of bytes from one piece to two.
    if count >= 8 {
      let tail = unsafe source.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
      unsafe target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
      unsafe target.storeBytes(of: tail, toByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 4 {
      let tail = unsafe source.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
      unsafe target.storeBytes(of: source.loadUnaligned(as: UInt32.self), as: UInt32.self)
      unsafe target.storeBytes(of: tail, toByteOffset: count &- 4, as: UInt32.self)
    } else if count > 0 {
      // One to three: the first, the middle and the last are all of them.
      let (middle, last) = (count / 2, count &- 1)
      unsafe target.copyByte(at: 0, from: source)
      unsafe target.copyByte(at: middle, from: source)
      unsafe target.copyByte(at: last, from: source)
    }
  }
}

extension UnsafeMutableRawPointer {
  @inline(__always)
  fileprivate func copyByte(at offset: Int, from source: UnsafeRawPointer) {
    let byte = unsafe source.load(fromByteOffset: offset, as: UInt8.self)
    unsafe storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }
}
