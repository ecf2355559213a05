import VarvePlatform

/// What is to be done in the background, and the threads that do it.
///
/// One thread makes ready what writers need next, one syncs logs and flushes, one compacts. Work is wanted
/// by setting a mark, not by queueing jobs: whoever does it looks at the store and decides anew.
final class BackgroundWork: Sendable {
  struct Wants: Sendable {
    var flush = false
    /// A log was left and waits to be made durable.
    var log = false
    /// The next log should be made ready.
    var spare = false
    /// A memtable has taken the last chunk that was ready.
    var memory = false
    var compaction = false
    var isCompacting = false
    /// Enough waits for a log in the bucket.
    var bucketLog = false
    /// Compaction rests while this is above zero.
    var pauses = 0
    /// Nothing is put into the bucket by itself while this is above zero.
    var uploadPauses = 0
    var isStopping = false
    /// Set while a flush cannot succeed; cleared by the next one that does.
    var failure: StoreError?
  }

  let wants = Monitor(Wants())
  private let threads = Monitor<[WorkerThread]>([])

  func wantFlush() { want { $0.flush = true } }

  func wantLogSync() { want { $0.log = true } }

  func wantSpareLog() { want { $0.spare = true } }

  func wantMemory() { want { $0.memory = true } }

  func wantCompaction() { want { $0.compaction = true } }

  var isUploadPaused: Bool { wants.withLock { $0.uploadPauses > 0 } }

  func pauseUploads() { want { $0.uploadPauses += 1 } }

  func resumeUploads() { want { $0.uploadPauses = max(0, $0.uploadPauses - 1) } }

  func wantBucketLog() { want { $0.bucketLog = true } }

  private func want(_ mark: (inout Wants) -> Void) {
    wants.withLock { mark(&$0) }
    wants.broadcast()
  }

  /// Waits until the threads are to end (true) or until the deadline (false).
  func rest(until deadline: UInt64) -> Bool { wants.wait(until: deadline) { $0.isStopping } }

  var isStopping: Bool { wants.withLock { $0.isStopping } }

  /// Why background work cannot go on at present, if it cannot.
  var failure: StoreError? { wants.withLock { $0.failure } }

  var isPaused: Bool { wants.withLock { $0.pauses > 0 } }

  func setFailure(_ failure: StoreError?) {
    wants.withLock { $0.failure = failure }
    wants.broadcast()
  }

  func pause() { wants.withLock { $0.pauses += 1 } }

  /// Whoever paused may have stopped a compaction between two steps, so there may be work.
  func resume() {
    want { wants in
      wants.pauses = max(0, wants.pauses - 1)
      wants.compaction = true
    }
  }

  /// Whether to compact now; the want stays while compaction rests.
  func takeCompaction() -> Bool {
    wants.withLock { wants in
      guard wants.pauses == 0 else { return false }
      defer { wants.compaction = false }
      return wants.compaction
    }
  }

  /// Whether nothing is compacted, and nothing is about to be.
  var isCompactionAtRest: Bool {
    wants.withLock { !$0.isCompacting && (!$0.compaction || $0.pauses > 0) }
  }

  /// Notes whether something is being compacted.
  func setCompacting(_ isCompacting: Bool) { wants.withLock { $0.isCompacting = isCompacting } }

  /// Whether the caller runs on one of these threads.
  var isOwnThread: Bool { threads.withLock { $0.contains(where: \.isCurrent) } }

  /// Starts threads that run until ``stop()``.
  func start(
    _ bodies: [(name: String, yields: Bool, body: @Sendable () -> Void)]
  ) throws(StoreError) {
    for (name, yields, body) in bodies {
      let thread = try Self.thread(name, yields: yields, body)
      threads.withLock { $0.append(thread) }
    }
  }

  /// Starts a thread that ends by itself after ``stop()``, some time: what it waits for may take minutes.
  func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(StoreError) {
    _ = try Self.thread(name, yields: true, body)
  }

  private static func thread(
    _ name: String, yields: Bool, _ body: @escaping @Sendable () -> Void
  ) throws(StoreError) -> WorkerThread {
    do throws(ThreadError) {
      return try WorkerThread(name: name, yields: yields, body)
    } catch {
      throw StoreError(.inputOutput, "no thread could be started (system error \(error.number))")
    }
  }

  /// Ends the threads after what they are doing now. One of them that calls this itself, told of
  /// something it did, ends when that call has returned.
  func stop() {
    want { $0.isStopping = true }
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in running where !thread.isCurrent { thread.join() }
  }
}
