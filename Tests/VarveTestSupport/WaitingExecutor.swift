import VarvePlatform

/// Runs tasks on the thread that waits for them: a run goes on where it stopped, whoever has Swift's own pool.
package final class WaitingExecutor: TaskExecutor {
  private let jobs = Monitor<[UnownedJob]>([])

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
    jobs.signal()
  }

  /// Does what `body` does, on this thread but for what it leaves to others.
  package static func wait<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) throws -> Result {
    let executor = WaitingExecutor()
    let outcome = Monitor<Swift.Result<Result, any Error>?>(nil)
    Task(executorPreference: executor) {
      let result: Swift.Result<Result, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
    }
    while true {
      if let result = outcome.withLock({ $0 }) { return try result.get() }
      let job = executor.jobs.withLock(when: { !$0.isEmpty }) { $0.removeFirst() }
      unsafe job.runSynchronously(on: executor.asUnownedTaskExecutor())
    }
  }
}
