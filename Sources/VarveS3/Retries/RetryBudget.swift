import VarvePlatform

/// Keeps repetitions to a tenth of all requests while a server is in trouble, for all callers together:
/// every request earns a tenth of a repetition, time earns one each two seconds, and a few are there from
/// the beginning. Who comes when none is left waits for his turn instead of giving up: a slow bucket is
/// no outage.
final class RetryBudget: Sendable {
  private struct State {
    var tokens: Double
    var lastEarned: UInt64?
  }

  private static let most = 50.0
  private static let first = 10.0
  private static let interval = 2_000_000_000.0

  private let state = Monitor(State(tokens: first))

  /// A request was begun.
  func earn() { state.withLock { $0.tokens = min(Self.most, $0.tokens + 0.1) } }

  /// Takes one repetition: nanoseconds until it is this caller's turn.
  func take(at now: UInt64) -> UInt64 {
    state.withLock { state in
      let passed = Double(now - min(now, state.lastEarned ?? now))
      state.lastEarned = now
      state.tokens = min(Self.most, state.tokens + passed / Self.interval) - 1
      return state.tokens >= 0 ? 0 : UInt64(-state.tokens * Self.interval)
    }
  }

  /// Gives back what was taken and not used.
  func giveBack() { state.withLock { $0.tokens = min(Self.most, $0.tokens + 1) } }
}
