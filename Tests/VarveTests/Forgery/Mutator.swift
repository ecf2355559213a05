import VarveTestSupport

/// Changes bytes as a hostile hand would: not only bits, but numbers to the values at which
/// arithmetic breaks, and pieces put where others belong.
struct Mutator {
  var random: SeededRandom

  /// Numbers beside which a careless sum, product or conversion goes wrong.
  static let edges: [UInt64] = [
    0, 1, 2, 7, 8, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000,
    0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 40, (1 << 56) - 1, 1 << 56, 1 << 62,
    (1 << 63) - 1, 1 << 63, .max - 63, .max - 1, .max,
  ]

  mutating func edge() -> UInt64 { Self.edges[random.below(Self.edges.count)] }

  /// Changes a few places of `bytes`, each in one of `ranges`.
  mutating func change(_ bytes: inout [UInt8], in ranges: [Range<Int>]) {
    for _ in 0...(random.below(4) == 0 ? random.below(4) : 0) {
      let range = ranges[random.below(ranges.count)].clamped(to: 0..<bytes.count)
      if !range.isEmpty { changeOnce(&bytes, in: range) }
    }
  }

  private mutating func changeOnce(_ bytes: inout [UInt8], in range: Range<Int>) {
    let place = range.lowerBound + random.below(range.count)
    switch random.below(6) {
    case 0: bytes[place] ^= 1 << UInt8(random.below(8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 2: put(edge(), 1 << random.below(4), at: place, &bytes)
    case 3: put(edge(), 1 << random.below(4), at: place & ~3, &bytes)
    case 4:
      // A number a little larger or smaller than it was.
      let change = [1, -1, 8, -8, 16, 64][random.below(6)]
      bytes[place] = bytes[place] &+ UInt8(truncatingIfNeeded: change)
    default:
      let count = min(1 + random.below(32), range.upperBound - place)
      let source = range.lowerBound + random.below(range.count - count + 1)
      bytes.replaceSubrange(place..<place + count, with: bytes[source..<source + count])
    }
  }

  private func put(_ number: UInt64, _ width: Int, at place: Int, _ bytes: inout [UInt8]) {
    for index in 0..<width where place + index < bytes.count {
      bytes[place + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
    }
  }
}
