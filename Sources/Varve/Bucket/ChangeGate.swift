import VarvePlatform

/// Lets changes of a store's files through until the store is let go: they may be somebody else's then.
///
/// Any number of threads may be within: who reads what is cold changes what is kept of it.
final class ChangeGate: Sendable {
  private struct State: Sendable {
    var isOpen: Bool
    var inside = 0
  }

  private let state: Monitor<State>

  init(isOpen: Bool) { state = Monitor(State(isOpen: isOpen)) }

  /// Whether there is any use in preparing a change.
  var isOpen: Bool { state.withLock { $0.isOpen } }

  /// Runs `body` where the gate is open; nil where it is not.
  @discardableResult
  func pass<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    let isOpen = state.withLock { state in
      if state.isOpen { state.inside += 1 }
      return state.isOpen
    }
    guard isOpen else { return nil }
    defer {
      state.withLock { $0.inside -= 1 }
      state.broadcast()
    }
    return try body()
  }

  func open() { state.withLock { $0.isOpen = true } }

  /// Lets nobody in from here on, and waits for those within.
  func close() {
    state.withLock { $0.isOpen = false }
    state.withLock(when: { $0.inside == 0 }) { _ in }
  }
}
