import VarveFormat

/// Where a cursor puts a key together: the block's shared prefix once, then a suffix for each entry.
@safe
struct KeyBuffer: ~Copyable {
  private var start: UnsafeMutableRawPointer
  private var capacity = 64
  private var prefixCount = 0

  init() { unsafe start = .allocate(byteCount: capacity, alignment: 8) }

  deinit { unsafe start.deallocate() }

  /// For whoever puts keys together without this buffer, until the next call of `begin` or `key`.
  var room: KeyRoom {
    unsafe KeyRoom(unsafeStart: start, prefixCount: prefixCount, capacity: capacity)
  }

  /// Keys begin with `prefix` from here on.
  mutating func begin(with prefix: ByteView) {
    reserve(prefix.count, keeping: 0)
    unsafe start.copyMemory(from: prefix.start, byteCount: prefix.count)
    prefixCount = prefix.count
  }

  /// The key that ends with `suffix`, until the next call. A key without a shared prefix is lent as
  /// it is.
  mutating func key(endingWith suffix: ByteView) -> ByteView {
    while true {
      if let key = room.key(endingWith: suffix) { return key }
      reserve(prefixCount &+ suffix.count, keeping: prefixCount)
    }
  }

  private mutating func reserve(_ count: Int, keeping kept: Int) {
    guard count > capacity else { return }
    let larger = max(count, 2 * capacity)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
    unsafe fresh.copyMemory(from: start, byteCount: kept)
    unsafe start.deallocate()
    unsafe start = fresh
    capacity = larger
  }
}
