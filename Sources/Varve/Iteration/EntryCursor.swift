import VarveFormat

/// Walks entries in order: key ascending, newest version first. Damage throws; a walk never ends
/// early in silence.
protocol EntryWalk {
  /// The entry at hand, lent until the next one is asked for; nil at the end.
  var entry: EntryView? { get }

  mutating func next() throws(StoreError)

  /// What is said of the entry at hand by who finds it out of order, with the file it is in.
  var disorder: StoreError { get }
}

/// Walks every version of every key in order: key ascending, newest version first.
///
/// A fresh cursor stands nowhere (`entry` is nil) until it is sought. Damage throws; a walk never
/// ends early in silence. After a throw the cursor stands nowhere.
protocol EntryCursor: EntryWalk {
  /// The entry under the cursor, lent until the cursor moves; nil before the first and after the
  /// last.
  var entry: EntryView? { get }

  mutating func seekToFirst() throws(StoreError)

  mutating func seekToLast() throws(StoreError)

  /// Moves to the first entry at or after (`key`, `sequence`) in the order of entries.
  mutating func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError)

  /// Moves to the last entry strictly before (`key`, `sequence`) in the order of entries.
  mutating func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError)

  /// Moves one entry on; standing nowhere it stays there.
  mutating func next() throws(StoreError)

  /// Moves one entry back; standing nowhere it stays there.
  mutating func previous() throws(StoreError)

  /// Makes `run` a walk inside of the block that the cursor stands in, which goes on without it; leaves
  /// it alone where that cannot be. In place, as a run is large to hand through.
  mutating func begin(_ run: inout BlockRun, _ terms: RunTerms)

  /// Moves to entry `index` of the block of the run that was begun last, in the direction of the last
  /// move, within the run's bounds.
  mutating func moveInBlock(to index: Int) throws(StoreError)
}

/// What a run has to keep to.
struct RunTerms {
  let direction: BlockRun.Direction
  /// No entry newer than that is shown.
  let limit: SequenceNumber
  /// Where the keys that are shown end.
  let bound: ByteView
  /// The key of the nearest entry of another source ahead: the walk has to stop before it.
  var neighbour: ByteView?
}

extension EntryWalk {
  var disorder: StoreError {
    StoreError(.corrupted, "entries are out of order", structure: "data block")
  }
}

extension EntryCursor {
  mutating func begin(_ run: inout BlockRun, _ terms: RunTerms) {}

  mutating func moveInBlock(to index: Int) throws(StoreError) {
    preconditionFailure("a cursor without blocks")
  }
}
