import VarvePlatform

/// Ends whatever was begun with it, from any thread: requests at once, waits too.
final class HTTPCancellation: Sendable {
  private struct State: Sendable {
    var isCancelled = false
    var nextNumber = 0
    /// Wakes who waits inside a transport. Called with the lock held, so that who leaves knows that
    /// nobody is still waking it.
    var wakers: [Int: @Sendable () -> Void] = [:]
  }

  private let state = Monitor(State())

  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  func cancel() {
    state.withLock { state in
      state.isCancelled = true
      for wake in state.wakers.values { wake() }
    }
    state.broadcast()
  }

  /// Runs `body`, in which `wake` is called when this is cancelled.
  func whileWaking<Result, Failure: Error>(
    by wake: @escaping @Sendable () -> Void, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let number = state.withLock { state in
      state.nextNumber += 1
      state.wakers[state.nextNumber] = wake
      return state.nextNumber
    }
    defer { state.withLock { state in _ = state.wakers.removeValue(forKey: number) } }
    return try body()
  }

  /// Waits until `deadline`, in nanoseconds of the monotonic clock; false where it was cancelled.
  func sleep(until deadline: UInt64) -> Bool { !state.wait(until: deadline) { $0.isCancelled } }
}
