import VarvePlatform

/// When to ask once more for a small read whose answer is late: after the time that nineteen of twenty
/// took, 200 ms at least, and at most once in twenty reads over time, five in a row. ("The Tail at Scale", J. Dean and L. A. Barroso,
/// Communications of the ACM 56.2.)
final class HedgePolicy: Sendable {
  /// Reads above this take their time by their size.
  static let mostBytes = 1 << 20
  static let shortestDelay: UInt64 = 200_000_000
  private static let samples = 128
  private static let fewest = 20

  private struct State {
    var latencies: [UInt64] = []
    var next = 0
    var slow: UInt64?
    var permits = 1.0
  }

  private let state = Monitor(State())

  init() {}

  /// Nanoseconds after which a read that begins now may be repeated; nil while too little is known.
  func delay() -> UInt64? {
    state.withLock { state in
      state.permits = min(5, state.permits + 0.05)
      return state.slow.map { max($0, Self.shortestDelay) }
    }
  }

  /// Takes the right to repeat one; false where too many were.
  func takePermit() -> Bool {
    state.withLock { state in
      guard state.permits >= 1 else { return false }
      state.permits -= 1
      return true
    }
  }

  /// A read took so many nanoseconds.
  func note(_ latency: UInt64) {
    state.withLock { state in
      if state.latencies.count < Self.samples {
        state.latencies.append(latency)
      } else {
        state.latencies[state.next] = latency
      }
      state.next = (state.next + 1) % Self.samples
      guard state.latencies.count >= Self.fewest, state.next % 16 == 0 else { return }
      let sorted = state.latencies.sorted()
      state.slow = sorted[sorted.count * 95 / 100]
    }
  }
}
