import CVarveShims
import Synchronization
import VarvePlatform

/// Foresees how many will share the next sync, and waits a moment for them.
///
/// ```
///   A B C D shared a sync   E F came meanwhile   E leads: A B C D are about to come again
/// ```
///
/// Those whose commit has just become durable mostly have another one at once, some microseconds
/// later than whoever was in line before them: a sync costs so much more that it is worth to wait for
/// all. The processor is theirs meanwhile. Where they do not come in time it is left alone, for a
/// while and then for a longer while.
///
/// Only the leader of commits calls this, but for ``isExpected``.
final class CommitCompany: @unchecked Sendable {
  // @unchecked: but for one atomic the fields are the leader's, and the lead is handed on under the
  // pipeline's ordering.

  /// How often the line is looked at, at most.
  private static let looks = 500
  /// A wait ends after it and was vain, whoever had the processor: in nanoseconds. Where others keep
  /// all processors busy, each look takes milliseconds.
  private static let patience: UInt64 = 300_000
  /// After how many vain waits in a row they become no rarer.
  private static let longestRest = 63

  private let clock: any Clock
  private let expected = Atomic<Int>(1)
  private var rest = 0
  private var lastRest = 0

  init(_ clock: any Clock) { self.clock = clock }

  /// Whether more than one is about to come.
  var isExpected: Bool { expected.load(ordering: .relaxed) > 1 }

  /// Waits until as many stand in line as are expected, or not any longer.
  func gather(_ lineLength: () -> Int) {
    let wanted = expected.load(ordering: .relaxed)
    guard wanted > 1, lineLength() < wanted else { return }
    if isComplete(lineLength, wanted, until: clock.monotonicNanoseconds() &+ Self.patience) {
      lastRest = 0
    } else {
      lastRest = min(2 * lastRest + 1, Self.longestRest)
      rest = lastRest
    }
  }

  private func isComplete(
    _ lineLength: () -> Int, _ wanted: Int, until deadline: UInt64
  ) -> Bool {
    for _ in 0..<Self.looks {
      varve_yield()
      if clock.monotonicNanoseconds() >= deadline { return false }
      if lineLength() >= wanted { return true }
    }
    return false
  }

  /// A group of `count` is done, and others came meanwhile.
  func note(led count: Int, inLine: Int) {
    if rest > 0 { rest -= 1 }
    expected.store(rest > 0 ? 1 : count + inLine, ordering: .relaxed)
  }
}
