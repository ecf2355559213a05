/// Random numbers that a seed repeats exactly (SplitMix64): print the seed when a test fails.
package struct SeededRandom: RandomNumberGenerator, Sendable {
  package let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// A number in 0..<`limit`.
  package mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

  /// `count` bytes that no compressor makes smaller.
  package mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 7)
    while bytes.count < count {
      var word = next()
      for _ in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
      }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// `count` bytes of words from a small vocabulary: compresses to about a third.
  package mutating func text(_ count: Int) -> [UInt8] {
    let words = ["sediment ", "layer ", "lake ", "winter ", "clay ", "silt ", "summer ", "core "]
    var bytes: [UInt8] = []
    while bytes.count < count {
      bytes += words[Int(next() % UInt64(words.count))].utf8
      bytes += String(next() % 1000).utf8
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}
