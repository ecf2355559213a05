import VarvePlatform

/// Says that a bucket does not answer, while somebody waits for it: on a terminal a line that is drawn over,
/// elsewhere one plain line.
///
/// Calls of the bucket run inside of ``during(_:)``, on any thread. A thread of its own looks from time to
/// time, from the first call on until ``close()``.
final class WaitingNote: Sendable {
  /// Of the command that is running; nil where it is to be silent.
  @TaskLocal static var current: WaitingNote?

  /// When something is said.
  struct Pace {
    var terminalNanoseconds: UInt64 = 3_000_000_000
    var plainNanoseconds: UInt64 = 5_000_000_000
    /// Between two looks.
    var lookNanoseconds: UInt64 = 1_000_000_000
  }

  private struct State {
    var watch = WaitingWatch()
    var isDrawn = false
    var isSaid = false
    var isClosed = false
    var thread: WorkerThread?
  }

  private let messages: Messages
  private let pace: Pace
  private let clock = SystemClock()
  private let state = Monitor(State())

  init(_ messages: Messages, pace: Pace = Pace()) {
    self.messages = messages
    self.pace = pace
  }

  /// A call that may wait for the bucket.
  func during<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    change { state, now in
      state.watch.begin(at: now)
      start(&state)
    }
    defer { change { $0.watch.end(at: $1) } }
    return try body()
  }

  /// Part of what a call is to do was done.
  func move() { change { $0.watch.move(at: $1) } }

  /// Ends the thread. Nothing is said after it.
  func close() {
    let thread = state.withLock { state in
      state.isClosed = true
      clear(&state)
      defer { state.thread = nil }
      return state.thread
    }
    state.broadcast()
    thread?.join()
  }
}

// MARK: - Showing

extension WaitingNote {
  private func change(_ body: (inout State, UInt64) -> Void) {
    state.withLock { state in
      body(&state, clock.monotonicNanoseconds())
      clear(&state)
    }
  }

  private func start(_ state: inout State) {
    guard state.thread == nil, !state.isClosed else { return }
    // Without a thread nothing is said: the command works all the same.
    state.thread = try? WorkerThread(name: "waiting") { [self] in look() }
  }

  private func look() {
    var next = clock.monotonicNanoseconds()
    repeat {
      next += pace.lookNanoseconds
      state.withLock { show(&$0) }
    } while !state.wait(until: next, for: { $0.isClosed })
  }

  private func show(_ state: inout State) {
    guard !state.isClosed, let quiet = state.watch.quiet(at: clock.monotonicNanoseconds()) else {
      return
    }
    let text = "waiting for the bucket (\(quiet / 1_000_000_000) s)"
    if messages.isTerminal, quiet >= pace.terminalNanoseconds {
      messages.write("\r\(text.prefix(messages.width - 1))\u{1b}[K")
      state.isDrawn = true
    } else if !messages.isTerminal, quiet >= pace.plainNanoseconds, !state.isSaid {
      messages.say(text)
      state.isSaid = true
    }
  }

  private func clear(_ state: inout State) {
    if state.isDrawn { messages.write("\r\u{1b}[K") }
    state.isDrawn = false
  }
}
