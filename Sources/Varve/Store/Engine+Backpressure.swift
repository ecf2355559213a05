import VarveFormat
import VarvePlatform

/// How long a write waits for the background; pure.
///
/// Small delays that grow with the debt, so that writers and background meet at one speed; a wait
/// for progress only where memory would grow without bound.
enum Backpressure: Equatable {
  case none
  /// Microseconds to pause.
  case delay(UInt64)
  /// Until a frozen memtable has been flushed.
  case waitForFlush

  /// Level-0 segments from which writes slow down, and at which the delay is greatest.
  static let slowdownSegments = 8
  static let heaviestSegments = 24
  static let longestDelayMicroseconds: UInt64 = 1_000

  /// - Parameters:
  ///   - frozen: memtables that wait to be flushed.
  ///   - limit: how many may wait.
  ///   - levelZero: segments that wait to be compacted.
  static func decide(frozen: Int, limit: Int, levelZero: Int) -> Backpressure {
    if frozen > limit { return .waitForFlush }
    let memory = frozen == limit ? longestDelayMicroseconds / 4 : 0
    let excess = min(max(0, levelZero - slowdownSegments), heaviestSegments - slowdownSegments)
    let share = UInt64(excess * excess) * longestDelayMicroseconds
    let debt =
      share / UInt64((heaviestSegments - slowdownSegments) * (heaviestSegments - slowdownSegments))
    return max(memory, debt) == 0 ? .none : .delay(max(memory, debt))
  }
}

extension Engine {
  /// The longest a write waits for one flush to make progress before it gives up.
  private static let longestWaitNanoseconds: UInt64 = 30_000_000_000

  /// Slows the caller down where flush and compaction are behind.
  ///
  /// - Throws: `.full` and other failures of the background where waiting cannot help; `.busy` when
  ///   nothing moved for half a minute.
  func waitForBackground() throws(StoreError) {
    guard background == .threads else { return }
    switch views.read({ pressure(of: $0) }) {
    case .none: return
    case .delay(let microseconds):
      _ = work.wants.wait(
        until: clock.monotonicNanoseconds() + microseconds * 1_000, for: { $0.isStopping })
      recordDelay(microseconds)
    case .waitForFlush:
      try waitForFlush()
    }
  }

  private func pressure(of view: ReadView) -> Backpressure {
    Backpressure.decide(
      frozen: view.frozen.count, limit: derived.frozenMemTables,
      levelZero: view.version.levelZero.count)
  }

  private func waitForFlush() throws(StoreError) {
    let start = clock.monotonicNanoseconds()
    while pressure(of: views.pinned()) == .waitForFlush {
      try checkOpen()
      if let failure = log.failure ?? work.failure { throw failure }
      let now = clock.monotonicNanoseconds()
      guard now - start < Self.longestWaitNanoseconds else {
        throw StoreError(.busy, "the disk takes flushes more slowly than writes arrive")
      }
      _ = views.wait(until: now + 10_000_000) { pressure(of: $0) != .waitForFlush }
    }
    recordDelay((clock.monotonicNanoseconds() - start) / 1_000)
  }

  private func recordDelay(_ microseconds: UInt64) {
    metrics.delayedWrites.add(1)
    metrics.delayMicroseconds.add(microseconds)
    if microseconds > 10_000 { report(.writeDelayed(microseconds: microseconds)) }
  }
}
