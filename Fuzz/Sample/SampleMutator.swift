import VarveSimulation

/// Small changes such as libFuzzer makes, without what it learns from coverage: what the tests have in its
/// place.
struct SampleMutator {
  /// Inputs to take pieces from.
  let others: [[UInt8]]

  /// One to four changes, one after the other.
  func changed(_ bytes: [UInt8], _ limit: Int, _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<1 + random.below(4) { change(&bytes, max(1, limit), &random) }
    return Array(bytes.prefix(max(1, limit)))
  }

  private func change(_ bytes: inout [UInt8], _ limit: Int, _ random: inout SplitMix64) {
    guard !bytes.isEmpty else { return bytes = random.bytes(1 + random.below(min(limit, 8))) }
    let range = Self.range(in: bytes.count, &random)
    switch random.below(9) {
    case 0: bytes[range.lowerBound] ^= 1 << UInt8(random.below(8))
    case 1: bytes[range.lowerBound] = UInt8(random.below(256))
    case 2: Self.setNumber(&bytes, at: range.lowerBound, &random)
    case 3: Self.count(&bytes, at: range.lowerBound, &random)
    case 4: bytes.removeSubrange(range)
    case 5: bytes.insert(contentsOf: bytes[range], at: random.below(bytes.count + 1))
    case 6: bytes.insert(contentsOf: random.bytes(range.count), at: range.lowerBound)
    case 7: overwrite(&bytes, with: Array(bytes[range]), at: random.below(bytes.count))
    default: splice(&bytes, &random)
    }
  }

  /// Short mostly.
  private static func range(in count: Int, _ random: inout SplitMix64) -> Range<Int> {
    let start = random.below(count)
    return start..<start + 1 + random.below(min(count - start, 1 << random.below(7)))
  }

  /// Limits, and what lies beside them, in one to eight bytes.
  private static func setNumber(
    _ bytes: inout [UInt8], at start: Int, _ random: inout SplitMix64
  ) {
    let edges: [UInt64] = [0, 1 << 7, 1 << 8, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 56, 1 << 63]
    let number = edges[random.below(edges.count)] &+ UInt64(random.below(3)) &- 1
    for index in 0..<1 << random.below(4) where start + index < bytes.count {
      bytes[start + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
    }
  }

  /// A little more or less.
  private static func count(_ bytes: inout [UInt8], at start: Int, _ random: inout SplitMix64) {
    let step = UInt8(1 + random.below(16))
    bytes[start] = random.oneIn(2) ? bytes[start] &+ step : bytes[start] &- step
  }

  private func overwrite(_ bytes: inout [UInt8], with piece: [UInt8], at start: Int) {
    let piece = piece.prefix(bytes.count - start)
    bytes.replaceSubrange(start..<start + piece.count, with: piece)
  }

  /// A piece of another input where that had it, or its end behind a beginning of this one.
  private func splice(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    guard !others.isEmpty else { return }
    let other = others[random.below(others.count)]
    guard !other.isEmpty else { return }
    let range = Self.range(in: other.count, &random)
    if random.oneIn(2), range.lowerBound < bytes.count {
      overwrite(&bytes, with: Array(other[range]), at: range.lowerBound)
    } else {
      bytes = Array(bytes.prefix(range.lowerBound) + other[range.lowerBound...])
    }
  }
}
