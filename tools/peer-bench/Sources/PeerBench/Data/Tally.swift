/// What reads have found: enough to tell two engines apart that answer differently, and to keep the
/// reading of every byte from being optimised away.
struct Tally: Equatable, Codable {
  private(set) var items = 0
  private(set) var bytes = 0
  /// Mixed item by item: the order counts as well.
  private(set) var sum: UInt64 = 0

  @inline(__always)
  mutating func add(_ item: Bytes) {
    var words: UInt64 = 0
    var offset = 0
    while offset &+ 8 <= item.count {
      words &+= item.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    while offset < item.count {
      words &+= UInt64(item[offset]) << 1
      offset &+= 1
    }
    items &+= 1
    bytes &+= item.count
    sum = sum &* 0x9e37_79b9_7f4a_7c15 &+ words
  }

  /// Adds what another thread found; the order of threads does not count.
  mutating func merge(_ other: Tally) {
    items += other.items
    bytes += other.bytes
    sum &+= other.sum
  }
}
