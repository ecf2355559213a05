import VarveSimulation

/// One change of an input, in a place that is chosen here; what is done to the bytes there is another's
/// business: libFuzzer's, or that of the sample in the tests.
struct Change {
  /// Makes other bytes of some, at most `limit` of them.
  typealias Make = (_ bytes: [UInt8], _ limit: Int, _ random: inout SplitMix64) -> [UInt8]

  private var random: SplitMix64
  /// The most bytes there may be afterwards.
  let limit: Int
  private let make: Make

  init(seed: UInt64, limit: Int, by make: @escaping Make) {
    random = SplitMix64(seed: seed)
    self.limit = limit
    self.make = make
  }

  /// A number in 0..<`bound`.
  mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
}

// MARK: - Where

extension Change {
  /// Changes a run of bytes where it lies, mostly; now and then inserts, removes, and what else
  /// there is. A file is full of offsets, and what moves behind a change is lost with it.
  mutating func anything(_ bytes: inout [UInt8]) {
    if bytes.count < 16 || below(4) == 0 {
      bytes = changed(bytes, limit: limit)
    } else {
      inPlace(&bytes, within: 0..<bytes.count)
    }
  }

  /// Changes a short run of bytes in `range`; nothing outside of it moves.
  mutating func inPlace(_ bytes: inout [UInt8], within range: Range<Int>) {
    let range = range.clamped(to: 0..<bytes.count)
    guard !range.isEmpty else { return }
    let count = min(range.count, 1 << below(8))
    let start = range.lowerBound + below(range.count - count + 1)
    let changed = changed(Array(bytes[start..<start + count]), limit: count)
    bytes.replaceSubrange(start..<start + changed.count, with: changed)
  }

  /// Other bytes, at most `limit` of them.
  mutating func changed(_ bytes: [UInt8], limit: Int) -> [UInt8] { make(bytes, limit, &random) }
}
