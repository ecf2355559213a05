import VarveFormat

/// Walks the keys that a reader sees at one read point: of each key the newest version that was
/// committed by then, unless it is a delete or has expired.
///
/// ```
/// entries of the source (key, sequence)     reader at 6
///   (a,9) put      too new
///   (a,5) put                               <- a
///   (a,2) put      overwritten by (a,5)
///   (b,6) delete   hides what follows
///   (b,4) put      hidden
///   (c,1) put                               <- c
/// ```
///
/// Forward, the cursor stands on the source's own entry and lends it on. Backward, a key's versions
/// come oldest first, so the newest visible one is known only after stepping past it: the entry is
/// copied before each such step. Entries too large to copy, and keys with many versions, are sought
/// instead, so a step costs a bounded number of moves per key whatever the number of versions.
///
/// Every entry it passes without showing it is counted in ``skippedEntries``.
struct VisibleCursor<Source: EntryCursor>: ~Copyable {
  /// How many versions of one key are stepped over before the cursor seeks to its far end.
  static var patience: Int { 8 }
  /// Values longer than this are sought again rather than copied, backward.
  static var heldValueBytes: Int { 16 << 10 }

  var readPoint: ReadPoint
  /// Where shown keys begin (inclusive) and end (exclusive).
  let bounds: EngineBounds
  /// Entries passed so far that the reader does not see: too new, overwritten, deleted, expired.
  var skippedEntries: UInt64 = 0
  /// What the cursor stands on, lent until it moves; nil when it stands nowhere.
  var entry: EntryView?

  var source: Source
  /// A walk inside the block that the source stands in; the source stays where it began.
  var run = BlockRun()
  /// Whether `entry` is a copy, and the source stands before all versions of its key.
  var isHeld = false
  /// A copy of the key that is being passed or held, and of the value held.
  var key = ScratchBytes(alignment: 16)
  var value = ScratchBytes()

  @inline(__always)
  init(_ source: consuming Source, at readPoint: ReadPoint, within bounds: EngineBounds) {
    self.source = source
    self.readPoint = readPoint
    self.bounds = bounds
  }
}

// MARK: - Moving

extension VisibleCursor {
  /// Stands nowhere: only a seek may follow.
  mutating func leave() {
    run.end()
    entry = nil
  }

  mutating func seekToFirst() throws(StoreError) {
    run.end()
    entry = nil
    try source.seek(bounds.lower.bytes, readPoint.sequence)
    if let first = source.entry, bounds.startsAbove(first.key) { throw source.disorder }
    try findForward()
    beginRun(.ascending)
  }

  mutating func seekToLast() throws(StoreError) {
    run.end()
    entry = nil
    try source.seek(before: bounds.upper.bytes, .max)
    if let last = source.entry, !bounds.endsAbove(last.key) { throw source.disorder }
    try findBackward()
    beginRun(.descending)
  }

  /// Moves to the first visible key at or after `target`, an engine key; one below the bounds means
  /// their beginning. Not a key that was lent by the cursor.
  mutating func seek(to target: ByteView) throws(StoreError) {
    if bounds.startsAbove(target) { return try seekToFirst() }
    run.end()
    entry = nil
    if !bounds.endsAbove(target) { return }
    try source.seek(target, readPoint.sequence)
    if let first = source.entry, first.key < target { throw source.disorder }
    try findForward()
    beginRun(.ascending)
  }

  /// Moves to the last visible key strictly before `target`, an engine key; one past the bounds
  /// means their end.
  mutating func seek(before target: ByteView) throws(StoreError) {
    if !bounds.endsAbove(target) { return try seekToLast() }
    key.copy(target)
    run.end()
    entry = nil
    try seekBeforeKey()
    try findBackward()
    beginRun(.descending)
  }

  /// Moves to the next visible key; standing nowhere it stays there.
  @inline(__always)
  mutating func next() throws(StoreError) {
    if !runsOn() { try stepForward() }
  }

  private mutating func stepForward() throws(StoreError) {
    try leaveRun()
    guard let current = entry else { return }
    entry = nil
    if isHeld {
      try seekBehindKey()
    } else {
      key.copy(current.key)
      try passOlderVersions(than: current.sequence)
    }
    try findForward()
    beginRun(.ascending)
  }

  /// Moves to the visible key before; standing nowhere it stays there.
  @inline(__always)
  mutating func previous() throws(StoreError) {
    if !runsBack() { try stepBackward() }
  }

  private mutating func stepBackward() throws(StoreError) {
    try leaveRun()
    guard let current = entry else { return }
    entry = nil
    if !isHeld {
      key.copy(current.key)
      try passNewerVersions(than: current.sequence)
    }
    try findBackward()
    beginRun(.descending)
  }
}
