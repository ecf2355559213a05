import Varve
import VarveFormat
import VarvePlatform

/// A segment of 64 MiB in the page cache: written, looked up in place and by `pread`, walked.
enum SegmentPart {
  private static let count = 500_000

  static func measure(_ setting: Setting) throws -> [Line] {
    let keys = Keys(count, ascending: true)
    let value = halfCompressible(100)
    let bytes = Double(count * (Keys.keyBytes + value.count))
    var number: UInt64 = 0
    func write(isMapped: Bool) throws -> MeasuredSegment {
      number += 1
      var index = 0
      return try value.withByteView { value in
        try keys.lend { key in
          try MeasuredSegment(number, in: setting.directory, .none, isMapped: isMapped) {
            guard index < keys.count else { return nil }
            defer { index += 1 }
            return EntryView(
              key: key(index), sequence: SequenceNumber(1), kind: .put, value: value)
          }
        }
      }
    }
    defer {
      for number in 1...number {
        try? setting.directory.remove(FileName(.segment, number).description)
      }
    }
    let mapped = try write(isMapped: true)
    let read = try write(isMapped: false)
    var numbers = Numbers(seed: 21)
    let order = numbers.permutation(count).prefix(200_000)
    func find(_ segment: MeasuredSegment) throws -> Double {
      try keys.lend { key in
        try time(rounds: setting.rounds, count: order.count) {
          for index in order { use(try segment.holds(key(index))) }
        }
      }
    }
    let walk = try time(rounds: setting.rounds, count: 1) { use(try mapped.walk()) }
    let limits = setting.limits
    return [
      Line(
        part: "segment", what: "find in place", unit: .nanoseconds, value: try find(mapped),
        limit: limits.cacheMiss, limitName: "one cache miss"),
      Line(
        part: "segment", what: "find by pread, without a cache", unit: .nanoseconds,
        value: try find(read), limit: limits.pread, limitName: "bare pread of 8 KiB"),
      Line(
        part: "segment", what: "walk in place", unit: .megabytesPerSecond,
        value: bytes * 1_000 / walk, limit: limits.copyMemory, limitName: "copy in memory"),
    ]
  }
}
