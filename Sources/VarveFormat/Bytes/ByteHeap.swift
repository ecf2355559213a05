/// Bytes that are appended to and read back by position: what builders stage entries in.
///
/// Like ``ByteWriter``, but made for the millions of small appends of a flush or a compaction: it
/// is not copied on write, and a view of it costs nothing. One owner fills it; views hold until the
/// next append or removal.
@safe
final class ByteHeap {
  private var start: UnsafeMutableRawPointer
  private var capacity: Int
  private(set) var count = 0

  /// Beyond the last byte there is always room for one number.
  private static let slack = 8

  init(capacity: Int = 4 << 10) {
    self.capacity = capacity
    unsafe start = .allocate(byteCount: capacity + Self.slack, alignment: 16)
  }

  deinit { unsafe start.deallocate() }

  var isEmpty: Bool { count == 0 }

  /// The `partCount` bytes at `offset`, which were appended before.
  func view(_ offset: Int, _ partCount: Int) -> ByteView {
    precondition(offset >= 0 && partCount >= 0 && partCount <= count - offset)
    return unsafe ByteView(
      unsafeStart: UnsafeRawPointer(start).advanced(by: offset), count: partCount)
  }

  var all: ByteView { view(0, count) }

  func append(_ bytes: ByteView) {
    reserve(bytes.count)
    unsafe start.advanced(by: count).copyMemory(from: bytes.start, byteCount: bytes.count)
    count &+= bytes.count
  }

  /// Appends the low `width` bytes (0...8) of a number, little-endian.
  func append(_ number: UInt64, width: Int) {
    assert(width >= 0 && width <= 8)
    reserve(width)
    // All eight are stored: there is room, and what lies behind the number is overwritten later.
    unsafe start.storeBytes(of: number.littleEndian, toByteOffset: count, as: UInt64.self)
    count &+= width
  }

  /// Appends at most `most` bytes by steps that need not ask for room one by one.
  @inline(__always)
  func append(atMost most: Int, _ body: (inout Filling) -> Void) {
    reserve(most)
    var filling = unsafe Filling(start: start, count: count)
    body(&filling)
    precondition(filling.count &- count <= most)
    count = filling.count
  }

  /// The heap while bytes are appended to room that is there.
  @safe
  struct Filling {
    fileprivate let start: UnsafeMutableRawPointer
    /// Of all bytes of the heap.
    fileprivate(set) var count: Int

    // Callers of `append(atMost:_:)` have said how much they store, which is checked in the end; behind
    // the last byte there is room for one number more.
    @inline(__always)
    mutating func append(_ number: UInt64, width: Int) {
      unsafe start.storeBytes(of: number.littleEndian, toByteOffset: count, as: UInt64.self)
      count &+= width
    }

    /// An unsigned LEB128 number in its shortest form.
    @inline(__always)
    mutating func append(varint number: UInt64) {
      var rest = number
      while rest >= 0x80 {
        append(rest & 0x7f | 0x80, width: 1)
        rest >>= 7
      }
      append(rest, width: 1)
    }

    @inline(__always)
    mutating func append(_ bytes: ByteView) {
      unsafe start.advanced(by: count).copyMemory(from: bytes.start, byteCount: bytes.count)
      count &+= bytes.count
    }

    /// Fills with zeros up to the next multiple of 16.
    @inline(__always)
    mutating func alignTo16() {
      let end = (count &+ 15) & ~15
      append(0, width: min(8, end &- count))
      append(0, width: end &- count)
    }
  }

  /// Writes a little-endian number over eight bytes that were appended before.
  func set(_ number: UInt64, at offset: Int) {
    precondition(offset >= 0 && offset <= count &- 8)
    unsafe start.storeBytes(of: number.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  /// Fills with zeros up to the next multiple of `alignment`, a power of two up to 64.
  func align(to alignment: Int) {
    let missing = (alignment &- count) & (alignment &- 1)
    guard missing > 0 else { return }
    reserve(missing)
    unsafe start.advanced(by: count).initializeMemory(as: UInt8.self, repeating: 0, count: missing)
    count &+= missing
  }

  /// Makes room for `more` bytes.
  func reserve(_ more: Int) {
    if more > capacity &- count { grow(more) }
  }

  private func grow(_ more: Int) {
    let larger = max(count + more, 2 * capacity)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger + Self.slack, alignment: 16)
    unsafe fresh.copyMemory(from: start, byteCount: count)
    unsafe start.deallocate()
    unsafe start = fresh
    capacity = larger
  }

  /// Empties the heap. It keeps its memory unless that is more than `limit` bytes.
  func removeAll(keeping limit: Int = 1 << 20) {
    count = 0
    guard capacity > limit else { return }
    unsafe start.deallocate()
    capacity = 4 << 10
    unsafe start = .allocate(byteCount: capacity + Self.slack, alignment: 16)
  }
}
