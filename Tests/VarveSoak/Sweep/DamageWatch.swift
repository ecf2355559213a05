import CVarveAllocations
import VarvePlatform
import VarveTestSupport

/// What it took to judge one damage.
struct DamageCost: Sendable {
  /// The most memory that was held at once.
  var bytes: Int
  /// Processor time.
  var milliseconds: Int

  /// The stores are smaller than 1 MiB, and what is held while one is read and verified is 5 MiB.
  static let mostBytes = 16 << 20
  static let mostMilliseconds = 20_000

  /// The more of each.
  mutating func raise(to other: DamageCost) {
    bytes = max(bytes, other.bytes)
    milliseconds = max(milliseconds, other.milliseconds)
  }

  /// What is too much of it; nil where nothing is.
  var excess: String? {
    if bytes > Self.mostBytes { return "held \(bytes) bytes at once" }
    if milliseconds > Self.mostMilliseconds { return "took \(milliseconds) ms" }
    return nil
  }
}

/// Measures what threads do with damages, and ends the process where one of them never comes to an end.
///
/// ```
/// thread 1   damage ├─────┤ damage ├───────────────────────────────── ...
/// watch      ·         ·         ·         ·         ·       "... took 20,000 ms": the end
/// ```
///
/// Time is that of the thread's processor, so that a busy machine does not matter; only who waits for what
/// never comes is measured by the clock on the wall.
final class DamageWatch: Sendable {
  private struct Judged {
    var place: String
    var clock: Int32
    /// When it began, by the thread's clock.
    var start: UInt64
    /// How many looks have been taken since.
    var looks = 0
  }

  static let shared = DamageWatch()
  private static let secondsOfWaiting = 900

  private let judged = Monitor<[Int32: Judged]>([:])

  /// Does what is done with one damage, on this thread.
  static func measure<Result>(
    _ place: String, _ body: () throws -> Result
  ) -> (Swift.Result<Result, any Error>, DamageCost) {
    let clock = varve_thread_clock()
    guard clock != -1 else {
      return (Swift.Result { try body() }, DamageCost(bytes: 0, milliseconds: 0))
    }
    let start = varve_thread_clock_nanoseconds(clock)
    shared.judged.withLock { $0[clock] = Judged(place: place, clock: clock, start: start) }
    varve_allocations_begin()
    let result = Swift.Result { try body() }
    let bytes = Int(varve_allocations_peak())
    shared.judged.withLock { $0[clock] = nil }
    let nanoseconds = varve_thread_clock_nanoseconds(clock) - start
    return (result, DamageCost(bytes: bytes, milliseconds: Int(nanoseconds / 1_000_000)))
  }

  /// Why nothing is known of what damages take, after the most that any of them did; nil where it is.
  static func blindness(after most: DamageCost) -> String? {
    #if os(Linux)
      // A sanitizer has an allocator of its own.
      if varve_allocations_are_a_sanitizers() != 0 { return nil }
      let isCounted = varve_allocations_are_counted() != 0 && most.bytes > 0
      return isCounted ? nil : "what damages take is not measured"
    #else
      return nil
    #endif
  }

  /// Looks every second, until all is over.
  func run(until isOver: Monitor<Bool>) {
    let clock = SystemClock()
    while !isOver.wait(until: clock.monotonicNanoseconds() + 1_000_000_000, for: { $0 }) {
      if let endless = look() { Soak.end("sweep", because: endless) }
    }
  }

  /// What does not come to an end.
  private func look() -> String? {
    judged.withLock { judged in
      for key in judged.keys { judged[key]?.looks += 1 }
      for one in judged.values {
        let milliseconds = (varve_thread_clock_nanoseconds(one.clock) &- one.start) / 1_000_000
        if milliseconds < 1 << 40, milliseconds > UInt64(DamageCost.mostMilliseconds) {
          return "\(one.place): it took \(milliseconds) ms and is not at its end"
        }
        if one.looks > Self.secondsOfWaiting { return "\(one.place): it waits for ever" }
      }
      return nil
    }
  }
}
