import CFuzzer
import VarveSimulation

/// One change of an input, made by libFuzzer in a place that is chosen here.
struct Change {
  private var random: SplitMix64
  /// The most bytes there may be afterwards.
  let limit: Int

  init(seed: UInt32, limit: Int) {
    random = SplitMix64(seed: UInt64(seed))
    self.limit = limit
  }

  /// A number in 0..<`bound`.
  mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
}

// MARK: - Where

extension Change {
  /// Changes a run of bytes where it lies, mostly; now and then inserts, removes, and what else
  /// libFuzzer knows. A file is full of offsets, and what moves behind a change is lost with it.
  mutating func anything(_ bytes: inout [UInt8]) {
    if bytes.count < 16 || below(4) == 0 {
      bytes = Self.changed(bytes, limit: limit)
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
    let changed = Self.changed(Array(bytes[start..<start + count]), limit: count)
    bytes.replaceSubrange(start..<start + changed.count, with: changed)
  }

  /// What libFuzzer makes of the bytes.
  static func changed(_ bytes: [UInt8], limit: Int) -> [UInt8] {
    let room = max(1, bytes.count, limit)
    return unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      _ = unsafe buffer.initialize(from: bytes)
      // At most `limit` bytes come out, and so many there is room for.
      count = unsafe min(room, LLVMFuzzerMutate(buffer.baseAddress, bytes.count, max(1, limit)))
    }
  }
}
