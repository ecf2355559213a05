import VarveFormat
import VarvePlatform

/// What a write owes to the background; pure.
///
/// A price for each byte that grows with the debt, so that writers and background meet at one speed
/// however the writes are batched; a wait for progress only where memory would grow without bound.
enum Backpressure: Equatable {
  case none
  /// What writing 1 KiB costs, in nanoseconds.
  case slow(nanosecondsPerKiB: UInt64)
  /// Until a frozen memtable has been flushed.
  case waitForFlush

  /// Level-0 segments from which writes slow down, and at which they are slowest.
  static let slowdownSegments = 20
  static let heaviestSegments = 40
  /// The slowest is 16 MiB a second: less than any disk and processor compact.
  static let highestPrice: UInt64 = 1_000_000_000 / (16 << 10)

  /// - Parameters:
  ///   - frozen: memtables that wait to be flushed.
  ///   - limit: how many may wait.
  ///   - levelZero: segments that wait to be compacted.
  static func decide(frozen: Int, limit: Int, levelZero: Int) -> Backpressure {
    if frozen > limit { return .waitForFlush }
    let range = UInt64(heaviestSegments - slowdownSegments)
    let excess = UInt64(max(0, min(levelZero, heaviestSegments) - slowdownSegments))
    let debt = highestPrice * excess * excess / (range * range)
    let price = max(debt, frozen == limit ? highestPrice / 4 : 0)
    return price == 0 ? .none : .slow(nanosecondsPerKiB: price)
  }
}

extension Engine {
  /// The longest a write waits for one flush to make progress before it gives up.
  private static let longestWaitNanoseconds: UInt64 = 30_000_000_000
  /// Shorter pauses are saved up: a thread cannot sleep so briefly.
  private static let shortestPauseNanoseconds: UInt64 = 1_000_000
  private static let longestPauseNanoseconds: UInt64 = 100_000_000

  /// Slows the caller down where flush and compaction are behind.
  ///
  /// - Parameter bytes: what the write adds to memtable and log.
  /// - Throws: `.full` and other failures of the background where waiting cannot help; `.busy` when
  ///   nothing moved for half a minute.
  func waitForBackground(toWrite bytes: Int) throws(StoreError) {
    guard background == .threads else { return }
    switch pressure {
    case .none: return
    case .slow(let price): pause(price * UInt64(bytes) / 1024)
    case .waitForFlush: try waitForFlush()
    }
  }

  private var pressure: Backpressure {
    let waiting = views.waiting
    return Backpressure.decide(
      frozen: waiting.frozen, limit: derived.frozenMemTables, levelZero: waiting.levelZero)
  }

  /// Adds to what all writers owe together, and pays when that is worth a sleep.
  private func pause(_ cost: UInt64) {
    let now = clock.monotonicNanoseconds()
    let paid = writePrice.charge(cost, at: now, most: 10 * Self.longestPauseNanoseconds)
    guard paid >= now + Self.shortestPauseNanoseconds else { return }
    let deadline = min(paid, now + Self.longestPauseNanoseconds)
    _ = work.wants.wait(until: deadline, for: { $0.isStopping })
    recordDelay((deadline - now) / 1_000)
  }

  private func waitForFlush() throws(StoreError) {
    // Told of an event, the flushing thread would wait for itself.
    guard !work.isOwnThread else { return }
    let start = clock.monotonicNanoseconds()
    while pressure == .waitForFlush {
      try checkOpen()
      if let failure = log.failure ?? work.failure { throw failure }
      let now = clock.monotonicNanoseconds()
      guard now - start < Self.longestWaitNanoseconds else {
        throw StoreError(.busy, "the disk takes flushes more slowly than writes arrive")
      }
      _ = views.wait(until: now + 10_000_000) { _ in pressure != .waitForFlush }
    }
    recordDelay((clock.monotonicNanoseconds() - start) / 1_000)
  }

  private func recordDelay(_ microseconds: UInt64) {
    metrics.delayedWrites.add(1)
    metrics.delayMicroseconds.add(microseconds)
    if microseconds > 10_000 { report(.writeDelayed(microseconds: microseconds)) }
  }
}
