import VarvePlatform

/// Holds background writing to a rate, so that it leaves the disk to the callers.
///
/// A bucket that fills at the rate: spending more than is in it waits until it is filled again.
final class WritePacer: Sendable {
  /// Bytes that are spent at a time.
  static let stepBytes: UInt64 = 256 << 10

  private let bytesPerSecond: UInt64?
  private let clock: StoreClock
  private let work: BackgroundWork
  private let account = PacingAccount()

  /// - Parameter bytesPerSecond: nil for no limit.
  init(bytesPerSecond: Int?, clock: StoreClock, work: BackgroundWork) {
    self.bytesPerSecond = bytesPerSecond.map { UInt64(max(1, $0)) }
    self.clock = clock
    self.work = work
  }

  /// Waits until `bytes` may be written; throws `.closed` when the store is being closed.
  func spend(_ bytes: UInt64) throws(StoreError) {
    if let bytesPerSecond {
      let now = clock.monotonicNanoseconds()
      let cost = bytes * 1_000_000 / bytesPerSecond * 1_000
      let deadline = account.charge(cost, at: now) - cost
      if deadline > now { _ = work.wants.wait(until: deadline, for: { $0.isStopping }) }
    }
    if work.isStopping {
      throw StoreError(.closed, "the store is being closed")
    }
  }
}

/// What several threads have used up of something that comes at a rate, in time.
final class PacingAccount: Sendable {
  /// When, in nanoseconds of the monotonic clock, everything charged so far is paid for.
  private let paidAt = Monitor<UInt64>(0)

  /// Charges `cost` nanoseconds; returns when that and all before is paid for.
  ///
  /// - Parameter most: nanoseconds that may be owed at a time; what exceeds them is let off.
  func charge(_ cost: UInt64, at now: UInt64, most: UInt64 = .max) -> UInt64 {
    paidAt.withLock { paid in
      paid = max(paid, now)
      paid += min(cost, most - min(most, paid - now))
      return paid
    }
  }
}
