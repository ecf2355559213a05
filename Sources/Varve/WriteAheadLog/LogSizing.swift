/// How large the next log should be, and when to make it ready; pure.
///
/// About what is written in a second, so that a busy store seldom changes logs and a quiet one takes
/// little of the disk; and at most eight times the present one, so that a short burst does not have
/// much written ahead for nothing.
struct LogSizing: Sendable {
  static let growth: UInt64 = 8

  let smallest: UInt64
  let largest: UInt64

  /// - Parameters:
  ///   - capacity: of the present log.
  ///   - bytes: written to it in so many `nanoseconds`.
  func next(after capacity: UInt64, filled bytes: UInt64, in nanoseconds: UInt64) -> UInt64 {
    let rate = Double(bytes) * 1e9 / Double(max(1, nanoseconds))
    let wanted = Double(smallest) * Self.powerOfTwo(reaching: rate / Double(smallest))
    let most = min(Double(capacity) * Double(Self.growth), Double(largest))
    return max(smallest, UInt64(min(wanted, most)))
  }

  /// From where on in a log of `capacity` bytes the next one should be made ready: late enough that it is
  /// seldom made for nothing, and early enough for a writer who fills the rest at 150 MB/s. Where logs end with
  /// their memtables, half of one is in time.
  ///
  /// - Parameter fullEnd: where the last log ended that was left because its memtable was full; nil where none was.
  static func spareMark(capacity: UInt64, fullEnd: UInt64?) -> UInt64 {
    let mark = max(capacity / 4, capacity - min(capacity, 32 << 20))
    return min(mark, fullEnd.map { $0 / 2 } ?? mark)
  }

  private static func powerOfTwo(reaching ratio: Double) -> Double {
    var power = 1.0
    while power < ratio, power < 0x1p40 { power *= 2 }
    return power
  }
}
