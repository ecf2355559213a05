/// A state that one thread at a time may touch, and a way to wait until it has changed.
///
/// ```swift
/// let jobs = Monitor<[Job]>([])
/// jobs.withLock { $0.append(job) }                                     // one thread
/// jobs.signal()
/// let job = jobs.withLock(when: { !$0.isEmpty }) { $0.removeFirst() }  // another thread
/// ```
///
/// Made of the system's mutex and condition variable, so that the thread sanitizer understands it.
/// Not recursive: taking it twice on one thread never returns.
@safe
@usableFromInline
package final class Monitor<State>: @unchecked Sendable {
  // @unchecked: the state is touched only while `gate` is locked. It is behind a pointer because
  // the lock already keeps it exclusive, and a class property would be checked again.
  @usableFromInline let gate: ThreadLock
  @usableFromInline let state: UnsafeMutablePointer<State>

  package init(_ initial: sending State) {
    gate = ThreadLock()
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: initial)
  }

  deinit {
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }
}

// MARK: - Touching the state

extension Monitor {
  /// Lends the state to `body`, alone.
  @inlinable
  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    gate.lock()
    defer { gate.unlock() }
    return try unsafe body(&state.pointee)
  }

  /// Waits until `isReady` holds for the state, then lends it to `body`, in one step.
  @inlinable
  package func withLock<Result, Failure: Error>(
    when isReady: (borrowing State) -> Bool, _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    gate.lock()
    defer { gate.unlock() }
    while unsafe !isReady(state.pointee) { _ = gate.sleep(until: .max) }
    return try unsafe body(&state.pointee)
  }

  /// The same until `deadline`, in nanoseconds of the monotonic clock; nil when it passed first.
  @inlinable
  package func withLock<Result, Failure: Error>(
    when isReady: (borrowing State) -> Bool, until deadline: UInt64,
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    gate.lock()
    defer { gate.unlock() }
    while unsafe !isReady(state.pointee) {
      if gate.sleep(until: deadline) { continue }
      // The change may have come together with the deadline.
      guard unsafe isReady(state.pointee) else { return nil }
    }
    return try unsafe body(&state.pointee)
  }
}

// MARK: - Waiting and waking

extension Monitor {
  /// Waits until `isReady` holds (true) or until `deadline` (false), in nanoseconds of the
  /// monotonic clock. Another thread may have changed the state again when this returns.
  @inlinable
  package func wait(
    until deadline: UInt64 = .max, for isReady: (borrowing State) -> Bool
  ) -> Bool {
    withLock(when: isReady, until: deadline) { _ in true } ?? false
  }

  /// Wakes one waiting thread. Call it after changing the state, best after unlocking.
  @inlinable
  package func signal() { gate.signal() }

  /// Wakes every waiting thread: needed wherever waiters wait for different things.
  @inlinable
  package func broadcast() { gate.broadcast() }
}
