import VarveFormat

/// Where a cursor puts a key together: the block's shared prefix once, then a suffix for each entry.
@safe
final class KeyBuffer {
  private var start: UnsafeMutableRawPointer
  private var capacity = 64
  private var prefixCount = 0

  init() { unsafe start = .allocate(byteCount: capacity, alignment: 8) }

  deinit { unsafe start.deallocate() }

  /// Keys begin with `prefix` from here on.
  func begin(with prefix: ByteView) {
    reserve(prefix.count, keeping: 0)
    unsafe start.copyMemory(from: prefix.start, byteCount: prefix.count)
    prefixCount = prefix.count
  }

  /// The key that ends with `suffix`, until the next call. A key without a shared prefix is lent as
  /// it is.
  func key(endingWith suffix: ByteView) -> ByteView {
    guard prefixCount > 0 else { return suffix }
    let count = prefixCount &+ suffix.count
    if count > capacity { reserve(count, keeping: prefixCount) }
    unsafe (start + prefixCount).copyMemory(from: suffix.start, byteCount: suffix.count)
    return unsafe ByteView(unsafeStart: UnsafeRawPointer(start), count: count)
  }

  private func reserve(_ count: Int, keeping kept: Int) {
    guard count > capacity else { return }
    let larger = max(count, 2 * capacity)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
    unsafe fresh.copyMemory(from: start, byteCount: kept)
    unsafe start.deallocate()
    unsafe start = fresh
    capacity = larger
  }
}
