import VarvePlatform
package import VarveSimulation

/// Lets one of several threads go on at a time, each for as long as it wants, in an order that a seed
/// decides: the same seed gives the same run.
///
/// ```
///   thread   1 ──pass──────────────wait───────▶ runs ──pass── ...
///            2 ──pass──▶ runs ──pass──wait── ...
/// ```
package final class Turns: Sendable {
  private struct State {
    var random: SplitMix64
    var living: Set<Int>
    var waiting: Set<Int> = []
    /// Who may not go on for so many turns, unless nobody else is left.
    var stalled: [Int: Int] = [:]
    var current: Int?
    var count = 0
  }

  private let state: Monitor<State>
  /// Called between two turns, when nobody runs.
  private let between: @Sendable (_ turn: Int, inout SplitMix64) -> Void

  package init(
    of threads: Int, seed: UInt64,
    between: @escaping @Sendable (_ turn: Int, inout SplitMix64) -> Void
  ) {
    state = Monitor(State(random: SplitMix64(seed: seed), living: Set(0..<threads)))
    self.between = between
  }

  /// Lets others go on; returns when it is this thread's turn again.
  package func pass(_ thread: Int) {
    state.withLock { state in
      state.waiting.insert(thread)
      if state.current == thread { state.current = nil }
      choose(&state)
    }
    state.broadcast()
    state.withLock(when: { $0.current == thread }) { state in _ = state.waiting.remove(thread) }
  }

  /// Lets this thread wait for so many turns of others, once it passes.
  package func stall(_ thread: Int, turns: Int) { state.withLock { $0.stalled[thread] = turns } }

  /// This thread never asks again.
  package func leave(_ thread: Int) {
    state.withLock { state in
      state.living.remove(thread)
      if state.current == thread { state.current = nil }
      choose(&state)
    }
    state.broadcast()
  }

  private func choose(_ state: inout State) {
    guard state.current == nil, !state.living.isEmpty, state.waiting == state.living else { return }
    state.count += 1
    between(state.count, &state.random)
    for thread in state.stalled.keys { state.stalled[thread, default: 0] -= 1 }
    state.stalled = state.stalled.filter { $0.value > 0 }
    let ready = state.living.filter { state.stalled[$0] == nil }.sorted()
    let choice = ready.isEmpty ? state.living.sorted() : ready
    state.current = choice[state.random.below(choice.count)]
  }
}
