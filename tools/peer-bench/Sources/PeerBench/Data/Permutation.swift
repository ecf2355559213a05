/// The numbers below `count` in an order that looks random, without a table of them: a Feistel
/// network over the next power of four, walked on where it leaves the range.
struct Permutation {
  let count: Int
  private let halfBits: UInt64
  private let mask: UInt64
  private let keys: [UInt64]

  init(_ count: Int, seed: UInt64) {
    self.count = count
    var bits: UInt64 = 1
    while 1 << (2 * bits) < count { bits += 1 }
    halfBits = bits
    mask = (1 << bits) - 1
    var random = SeededRandom(seed)
    keys = (0..<4).map { _ in random.next() }
  }

  subscript(index: Int) -> Int {
    precondition(index < count)
    var number = UInt64(index)
    repeat { number = round(number) } while number >= count
    return Int(number)
  }

  private func round(_ number: UInt64) -> UInt64 {
    var (left, right) = (number >> halfBits, number & mask)
    for key in keys {
      var random = SeededRandom(right ^ key)
      (left, right) = (right, (left ^ random.next()) & mask)
    }
    return left << halfBits | right
  }
}
