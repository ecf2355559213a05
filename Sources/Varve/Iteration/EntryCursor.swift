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

  /// Where the cursor stands, for walking on without it inside of a block; nil where that cannot be.
  var blockPlace: BlockPlace? { get }

  /// Moves to entry `index` of the block at `blockPlace`, in the direction of the last move, within
  /// that place's bound.
  mutating func moveInBlock(to index: Int) throws(StoreError)
}

/// An entry of a block that a cursor stands on. Holds until the cursor moves.
struct BlockPlace {
  let block: DataBlock
  let index: Int
  /// Where keys of the block are put together.
  let keys: KeyRoom
  /// The key of the nearest entry of another source ahead: the walk has to stop before it.
  var bound: ByteView?
}

extension EntryWalk {
  var disorder: StoreError {
    StoreError(.corrupted, "entries are out of order", structure: "data block")
  }
}

extension EntryCursor {
  var blockPlace: BlockPlace? { nil }

  mutating func moveInBlock(to index: Int) throws(StoreError) {
    preconditionFailure("a cursor without blocks")
  }
}
