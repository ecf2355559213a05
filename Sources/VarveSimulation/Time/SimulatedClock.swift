import VarvePlatform

/// Time that moves only when a test says so, and by a fixed step whenever the monotonic clock is looked at.
package final class SimulatedClock: Clock {
  private struct Hands {
    var wallMilliseconds: UInt64
    var monotonicNanoseconds: UInt64
  }

  private let hands: Monitor<Hands>
  private let nanosecondsOfALook: UInt64

  /// Starts in November 2023 unless told otherwise.
  package init(
    wallMilliseconds: UInt64 = 1_700_000_000_000, monotonicNanoseconds: UInt64 = 0,
    nanosecondsOfALook: UInt64 = 0
  ) {
    self.nanosecondsOfALook = nanosecondsOfALook
    hands = Monitor(
      Hands(wallMilliseconds: wallMilliseconds, monotonicNanoseconds: monotonicNanoseconds))
  }

  package func wallMilliseconds() -> UInt64 { hands.withLock { $0.wallMilliseconds } }

  package func monotonicNanoseconds() -> UInt64 {
    hands.withLock { hands in
      defer { hands.monotonicNanoseconds += nanosecondsOfALook }
      return hands.monotonicNanoseconds
    }
  }

  /// Lets both clocks run on.
  package func advance(milliseconds: UInt64) {
    hands.withLock { hands in
      hands.wallMilliseconds += milliseconds
      hands.monotonicNanoseconds += milliseconds * 1_000_000
    }
  }

  /// Sets the clock on the wall, back too, as an administrator would.
  package func setWall(milliseconds: UInt64) {
    hands.withLock { $0.wallMilliseconds = milliseconds }
  }
}
