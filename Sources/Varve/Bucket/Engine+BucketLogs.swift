import Synchronization
import VarveFormat
import VarvePlatform

// The short way into the bucket, for what is not in a sealed file yet:
//
//   commit ──> log on disk ──> backlog ──synced, put──> log in the bucket
//
// What the bucket's logs hold was durable here before: this directory never knows less than they do.

extension Engine {
  /// Returns when the bucket has everything that was written before the call.
  func syncRemotely() throws(StoreError) {
    let sequence = visibleSequence.load(ordering: .acquiring)
    let bucket = try requireBucket()
    guard let backlog else {
      try uploadNow(ordersValues: false)
      return
    }
    let ticket = backlog.attempts
    while !backlog.reaches(sequence) {
      try checkOpen()
      // Nothing is flushed for a bucket that is not there.
      _ = try bucket.connectedWriter()
      if try !putLog(through: sequence, backlog, bucket, unlessFailedSince: ticket) {
        try uploadNow(ordersValues: false)
      }
    }
  }

  /// Puts the next log; false where files must be put first. Whoever waited here meanwhile had theirs put along, or
  /// shares the failure.
  private func putLog(
    through sequence: UInt64, _ backlog: LogBacklog, _ bucket: BucketTier,
    unlessFailedSince ticket: UInt64
  ) throws(StoreError) -> Bool {
    try backlog.putting.withLock { failed throws(StoreError) in
      if backlog.reaches(sequence) { return true }
      if let failed, failed.attempt > ticket { throw failed.error }
      guard let batches = backlog.nextLog(), let last = batches.last?.last else { return false }
      let attempt = backlog.beginAttempt()
      do throws(StoreError) {
        try log.sync()
        try bucket.put(batches)
      } catch {
        failed = LogBacklog.Failure(attempt: attempt, error: error)
        throw error
      }
      backlog.reach(last)
      return true
    }
  }

  /// Nanoseconds until the bucket is asked again that failed, at most.
  private static let longestRest: UInt64 = 60_000_000_000

  /// Puts a log each time that enough waits, or that something waits for long enough.
  func logLoop() {
    guard let backlog, let interval = bucket?.options.logInterval else { return }
    let nanoseconds = UInt64(interval) * 1_000_000_000
    var rest: UInt64 = 0
    while !work.rest(until: clock.monotonicNanoseconds() + rest) {
      let wants = work.wants.withLock(
        when: { $0.isStopping || $0.bucketLog }, until: clock.monotonicNanoseconds() + nanoseconds
      ) { wants in
        defer { wants.bucketLog = false }
        return wants
      }
      if wants?.isStopping ?? false { return }
      // Whoever was taken over from has nothing to put any more.
      if bucket?.isFenced ?? true { return }
      guard backlog.isBehind, !work.isUploadPaused else { continue }
      let failure = attempt { () throws(StoreError) in try syncRemotely() }
      rest = failure == nil ? 0 : min(Self.longestRest, max(1_000_000_000, 2 * rest))
    }
  }

  /// Notes what was just written for the bucket's next log. Only for the leader.
  func note(_ request: CommitRequest, first sequence: UInt64, in backlog: LogBacklog) {
    let bytes = backlog.take(request.whole ?? request.batch, first: SequenceNumber(sequence))
    if let bucket, bytes >= bucket.options.logBytes { work.wantBucketLog() }
  }
}

extension SegmentStore {
  /// Does what the background does when enough waits, or for long enough.
  package func putLogs() throws(StoreError) { try engine.syncRemotely() }
}
