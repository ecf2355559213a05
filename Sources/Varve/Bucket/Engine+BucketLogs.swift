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
      try uploadNow()
      return
    }
    while !backlog.reaches(sequence) {
      // Whoever waited here meanwhile had theirs put along.
      try backlog.putting.withLock { _ throws(StoreError) in
        guard !backlog.reaches(sequence) else { return }
        guard let batches = backlog.nextLog(), let last = batches.last?.last else {
          try uploadNow()
          return
        }
        try log.sync()
        try bucket.put(batches)
        backlog.reach(last)
      }
    }
  }

  /// Puts a log each time that enough waits, or that something waits for long enough.
  func logLoop() {
    guard let backlog, let interval = bucket?.options.logInterval else { return }
    let nanoseconds = UInt64(interval) * 1_000_000_000
    while true {
      let wants = work.wants.withLock(
        when: { $0.isStopping || $0.bucketLog }, until: clock.monotonicNanoseconds() + nanoseconds
      ) { wants in
        defer { wants.bucketLog = false }
        return wants
      }
      if wants?.isStopping ?? false { return }
      if backlog.bytes > 0, !work.isUploadPaused {
        attempt { () throws(StoreError) in try syncRemotely() }
      }
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
