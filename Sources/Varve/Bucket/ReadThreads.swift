import VarvePlatform

/// Threads that wait for the bucket in the place of tasks: Swift's own pool has one for each processor, and what
/// waits there keeps everybody else from running.
///
/// Begun when they are needed, and as many as there are reads that wait, up to a limit; the others stand in line.
final class ReadThreads: Sendable {
  /// Tells whoever waits. What was read with is let go before: who goes on then is the only one to hold it.
  typealias Answer = @Sendable () -> Void
  typealias Job = @Sendable () -> Answer

  private struct State {
    var jobs: [Job] = []
    var threads = 0
    var idle = 0
    var isOver = false
  }

  /// Requests at a time that one store makes for tasks.
  static let most = 32
  /// Nanoseconds after which a thread ends that has nothing to do.
  private static let patience: UInt64 = 5_000_000_000

  private let state = Monitor(State())
  private let clock = SystemClock()

  /// Runs `job` on one of them. Where none can be started, and none is there, on the caller's.
  func run(_ job: @escaping Job) {
    let (isTaken, needsThread) = state.withLock { state in
      guard !state.isOver else { return (false, false) }
      state.jobs.append(job)
      let needs = state.idle < state.jobs.count && state.threads < Self.most
      if needs { state.threads += 1 }
      return (true, needs)
    }
    guard isTaken else { return job()() }
    state.signal()
    if needsThread, !start() { runHere() }
  }

  /// No job is taken any more; what stands in line is done.
  func close() {
    state.withLock { $0.isOver = true }
    state.broadcast()
  }

  private func start() -> Bool {
    if (try? WorkerThread(name: "varve-read", { [self] in loop() })) != nil { return true }
    return state.withLock { state in
      state.threads -= 1
      return state.threads > 0
    }
  }

  private func runHere() {
    while let answer = done(state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) {
      answer()
    }
  }

  private func loop() {
    while let answer = done(nextJob()) { answer() }
  }

  /// Does a job, which is gone when this returns.
  private func done(_ job: consuming Job?) -> Answer? { job?() }

  private func nextJob() -> Job? {
    state.withLock { $0.idle += 1 }
    let deadline = clock.monotonicNanoseconds() + Self.patience
    _ = state.wait(until: deadline) { !$0.jobs.isEmpty || $0.isOver }
    // In one step: whoever comes with a job counts those that are idle.
    return state.withLock { state in
      state.idle -= 1
      if !state.jobs.isEmpty { return state.jobs.removeFirst() }
      state.threads -= 1
      return nil
    }
  }
}
