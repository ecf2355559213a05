/// What one thread did or saw between two ticks of the monotonic clock.
///
/// The ticks are read, not drawn from a shared counter: a counter would order the threads by itself, and hide
/// from the thread sanitizer that nothing else does.
package struct HistoryRecord: Sendable {
  package enum Act: Sendable {
    /// A batch over all keyspaces, the writer's next; acknowledged at the end.
    case wrote(writer: Int, round: Int, isSynced: Bool)
    /// All that was acknowledged before the beginning is durable at the end.
    case synced
    /// What one moment showed. It was fixed between the ticks; what it shows may have been read later.
    case saw([Sighting])
    /// What was there when the store was opened again.
    case found([Sighting], After)
  }

  /// What the store was opened again after.
  package enum After: Sendable { case close, kill, powerCut }

  package var thread: Int
  package var begin: UInt64
  package var end: UInt64
  package var act: Act

  package init(thread: Int, begin: UInt64, end: UInt64, _ act: Act) {
    self.thread = thread
    self.begin = begin
    self.end = end
    self.act = act
  }
}

/// What was seen of one writer in one keyspace. Each of its batches writes the same there:
///
/// ```
///   round n    mark    = n
///              n % 8   = n
///              (n + 4) % 8  is deleted       so four numbers are there: n and the three before it
/// ```
package struct Sighting: Sendable {
  package enum Shown: Equatable, Sendable {
    /// Zero where there is none.
    case mark(Int)
    /// The rounds under the numbers, in order of these; below zero for a value that is no round's.
    case slots([Int])
  }

  package var writer: Int
  package var keyspace: Int
  package var shown: Shown

  package init(writer: Int, keyspace: Int, _ shown: Shown) {
    self.writer = writer
    self.keyspace = keyspace
    self.shown = shown
  }

  package static let slotCount = 8

  /// The rounds under the numbers after a round, in order of these.
  package static func slots(after round: Int) -> [Int] {
    (max(1, round - 3)...max(1, round)).filter { $0 <= round }
      .sorted { $0 % slotCount < $1 % slotCount }
  }

  /// The last round that is seen: zero for none, below zero for a value that is no round's.
  var round: Int {
    switch shown {
    case .mark(let round): round
    case .slots(let rounds): rounds.contains { $0 < 0 } ? -1 : rounds.max() ?? 0
    }
  }

  /// Whether no other round has left anything, or taken anything away.
  var isWhole: Bool {
    if case .slots(let rounds) = shown { rounds == Self.slots(after: round) } else { true }
  }
}
