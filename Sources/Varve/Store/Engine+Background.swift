import VarveFormat
import VarvePlatform

// The work nobody should have to wait for: preparing logs and memory, syncing logs, flushing memtables,
// compacting, removing files. With threads it runs beside the callers; inline it runs at the end of
// the call that made it necessary, so that a simulated run is the same every time.

extension Engine {
  func startBackground() throws(StoreError) {
    guard background == .threads, options.access == .readWrite else { return }
    try work.start([
      ("varve-ahead", false, { [self] in aheadLoop() }),
      ("varve-flush", false, { [self] in flushLoop() }),
      ("varve-compact", true, { [self] in compactLoop() }),
    ])
    if bucket?.options.uploadInterval != nil {
      try work.start("varve-upload") { [self] in uploadLoop() }
    }
    if backlog != nil { try work.start("varve-logs") { [self] in logLoop() } }
    work.wantCompaction()
  }

  /// Milliseconds of rest after which a bare watermark record is appended.
  private static let idleMilliseconds: UInt64 = 200

  /// Milliseconds of rest after which logs and memory that wait for another life are given back.
  private static let releaseMilliseconds: UInt64 = 5_000

  private func flushLoop() {
    // What opening has left to remove; with the logs, that takes longer than many an opening.
    reclaim()
    var idle = Idleness(since: log.end)
    while true {
      let deadline = clock.monotonicNanoseconds() + Self.idleMilliseconds * 1_000_000
      let wants = work.wants.withLock(
        when: { $0.isStopping || $0.flush || $0.log }, until: deadline
      ) { wants in
        defer { (wants.flush, wants.log) = (false, false) }
        return wants
      }
      if wants?.isStopping ?? false { return }
      if let wants {
        if wants.log { syncOlderLogs() }
        if wants.flush { flush { isFlushDue } }
      } else {
        restfulWork(&idle)
      }
      reclaim()
    }
  }

  /// Makes ready what writers need next. The flushing thread would often come too late: while it flushes,
  /// writers would have to make their next log themselves, with two syncs.
  private func aheadLoop() {
    while true {
      let wants = work.wants.withLock(when: { $0.isStopping || $0.spare || $0.memory }) { wants in
        defer { (wants.spare, wants.memory) = (false, false) }
        return wants
      }
      if wants.isStopping { return }
      if wants.memory { chunks.prepare() }
      // What room there is belongs to the flush that found none.
      if wants.spare, work.failure == nil { log.prepareSpare() }
    }
  }

  /// Lets go of memory and files that nobody reads any more.
  func reclaim() {
    views.epochs.collect()
    obsoleteFiles.remove(from: directory)
  }

  /// For how many turns of ``idleMilliseconds`` nothing was written.
  struct Idleness {
    var since: LogPosition?
    var turns: UInt64 = 0

    /// Whether to give back what waits for another life, and what has come to wait since.
    var isLong: Bool { turns >= Engine.releaseMilliseconds / Engine.idleMilliseconds }

    mutating func look(at end: LogPosition?) {
      turns = end == since ? turns + 1 : 0
      since = end
    }
  }

  /// What is worth doing when nothing was written for a while.
  private func restfulWork(_ idle: inout Idleness) {
    idle.look(at: log.end)
    guard idle.turns > 0, let end = idle.since, log.failure == nil else { return }
    if log.needsWatermark(at: end) {
      attempt { () throws(StoreError) in try appendWatermark() }
      idle.since = log.end
    }
    // What was gathered has no company to wait for; what failed may succeed by now.
    if !views.pinned().frozen.isEmpty { flush { true } }
    if idle.isLong { giveBack() }
  }

  /// Lets go of logs and memory that wait for another life.
  private func giveBack() {
    log.releaseRetired()
    chunks.removeAll()
  }

  /// Does at once what the background does when nobody writes for long.
  fileprivate func rest() throws(StoreError) {
    if let failure = log.failure { throw failure }
    if let end = log.end, log.needsWatermark(at: end) { try appendWatermark() }
    giveBack()
  }

  /// Makes logs durable that were left, so that the watermark follows the writers.
  private func syncOlderLogs() {
    if log.hasOlder { attempt { () throws(StoreError) in try log.sync() } }
  }

  /// Whether enough is gathered for a flush: while writers are busy overwritten entries meet in
  /// memory, are written once, and make fewer segments for readers to look through.
  private var isFlushDue: Bool {
    let frozen = views.pinned().frozen
    return FlushRule.isDue(
      tables: frozen.count, valueBytes: frozen.statedSum(\.valueBytes), derived)
  }

  private func flush(while isDue: () -> Bool) {
    let failure = attempt { () throws(StoreError) in
      // Under load there is always one more: what was flushed goes at once and not after the last, and so do logs
      // that were left meanwhile.
      while isDue(), try flushFrozen() {
        reclaim()
        syncOlderLogs()
      }
      work.setFailure(nil)
    }
    guard let failure else { return }
    if failure.code == .full { log.releaseRetired(withSpare: true) }
    work.setFailure(failure)
  }

  private func compactLoop() {
    while true {
      let isStopping = work.wants.withLock(
        when: { $0.isStopping || ($0.compaction && $0.pauses == 0) }, until: compactionRest
      ) { wants in
        wants.compaction = false
        wants.isCompacting = !wants.isStopping
        return wants.isStopping
      }
      // Nil: time has come for entries to go that expired while nobody wrote.
      if isStopping ?? false { return }
      work.setCompacting(true)
      defer { work.setCompacting(false) }
      attempt { () throws(StoreError) in
        while !work.isPaused {
          guard try compactOnce() else { return }
          reclaim()
        }
      }
    }
  }

  /// Runs background work whose failure is nobody's call: it is reported, and returned.
  @discardableResult
  func attempt(_ job: () throws(StoreError) -> Void) -> StoreError? {
    do throws(StoreError) {
      try job()
      return nil
    } catch {
      guard error.code != .closed, !work.isStopping else { return nil }
      report(.backgroundFailure(error))
      return error
    }
  }

  /// Ends one pause of compaction.
  func resumeCompaction() {
    work.resume()
    runInlineWork()
  }

  /// Does what is wanted on this thread, where the store has no threads of its own.
  func runInlineWork() {
    guard background == .inline else { return }
    let wants = work.wants.withLock { wants in
      defer { (wants.flush, wants.log, wants.spare) = (false, false, false) }
      return wants
    }
    if wants.spare { log.prepareSpare() }
    if wants.log { syncOlderLogs() }
    if wants.flush { flush { true } }
    if work.takeCompaction() {
      attempt { () throws(StoreError) in while try compactOnce() {} }
    }
    reclaim()
  }
}

extension SegmentStore {
  /// Does at once what the background does when nobody writes for long.
  package func rest() throws(StoreError) { try engine.rest() }
}
