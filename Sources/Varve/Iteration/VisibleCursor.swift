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

  let readPoint: ReadPoint
  /// Where shown keys begin (inclusive) and end (exclusive); nil for no bound.
  let lower: KeyBound?
  let upper: KeyBound?
  /// Entries passed so far that the reader does not see: too new, overwritten, deleted, expired.
  private(set) var skippedEntries: UInt64 = 0
  /// What the cursor stands on, lent until it moves; nil when it stands nowhere.
  private(set) var entry: EntryView?

  private var source: Source
  /// A walk inside the block that the source stands in; the source stays where it began.
  private var run = BlockRun()
  /// Whether `entry` is a copy, and the source stands before all versions of its key.
  private var isHeld = false
  /// A copy of the key that is being passed or held, and of the value held.
  private var key = ScratchBytes(alignment: 16)
  private var value = ScratchBytes()

  /// - Parameters:
  ///   - lower: the engine key that shown keys begin at.
  ///   - upper: the engine key that shown keys stay below.
  init(_ source: Source, at readPoint: ReadPoint, from lower: [UInt8]?, to upper: [UInt8]?) {
    self.source = source
    self.readPoint = readPoint
    self.lower = lower.map(KeyBound.init)
    self.upper = upper.map(KeyBound.init)
  }

  init(_ source: Source, at readPoint: ReadPoint, within bounds: EngineBounds) {
    self.source = source
    self.readPoint = readPoint
    lower = bounds.lower
    upper = bounds.upper
  }
}

// MARK: - Moving

extension VisibleCursor {
  mutating func seekToFirst() throws(StoreError) {
    run.end()
    entry = nil
    if let lower {
      key.copy(lower)
      try source.seek(key.view, readPoint.sequence)
    } else {
      try source.seekToFirst()
    }
    if let lower, let first = source.entry, lower.isAbove(first.key) { throw source.disorder }
    try findForward()
    beginRun(.ascending)
  }

  mutating func seekToLast() throws(StoreError) {
    run.end()
    entry = nil
    if let upper {
      key.copy(upper)
      try source.seek(before: key.view, .max)
    } else {
      try source.seekToLast()
    }
    if let upper, let last = source.entry, !upper.isAbove(last.key) { throw source.disorder }
    try findBackward()
    beginRun(.descending)
  }

  /// Moves to the first visible key at or after `target`, an engine key; one below the bounds means
  /// their beginning. Not a key that was lent by the cursor.
  mutating func seek(to target: ByteView) throws(StoreError) {
    if let lower, lower.isAbove(target) { return try seekToFirst() }
    run.end()
    entry = nil
    if let upper, !upper.isAbove(target) { return }
    try source.seek(target, readPoint.sequence)
    if let first = source.entry, first.key < target { throw source.disorder }
    try findForward()
    beginRun(.ascending)
  }

  /// Moves to the last visible key strictly before `target`, an engine key; one past the bounds
  /// means their end.
  mutating func seek(before target: ByteView) throws(StoreError) {
    if let upper, !upper.isAbove(target) { return try seekToLast() }
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
      try passOlderVersions()
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
      try passNewerVersions()
    }
    try findBackward()
    beginRun(.descending)
  }
}

extension ScratchBytes {
  fileprivate mutating func copy(_ bound: KeyBound) {
    bound.bytes.withByteView { copy($0) }
  }
}

// MARK: - Runs

// Over plain entries the cursor steps without its source, which stays where the run began:
//
//   entries    a9 b7 c8 d5 d2 e6 f4 | next block
//   source     ^
//   run           >  >  >                           ends before d2, an older version of the same key
//
// What does not belong in a run is left to the source, and all that follows until the next run.

extension VisibleCursor {
  @inline(__always)
  private mutating func runsOn() -> Bool {
    guard run.next() else { return false }
    entry = run.entry
    return true
  }

  @inline(__always)
  private mutating func runsBack() -> Bool {
    guard run.previous() else { return false }
    entry = run.entry
    return true
  }

  /// Begins a run where the cursor came to stand, if that is in a block.
  private mutating func beginRun(_ direction: BlockRun.Direction) {
    // Forward the source stands on the entry shown, backward on the one to be shown next.
    guard entry != nil, isHeld == (direction == .descending), let place = source.blockPlace else {
      return
    }
    run = Self.withBytes(of: direction == .ascending ? upper : lower) { bound in
      BlockRun(
        place.block, direction, from: place.index, at: readPoint.sequence,
        within: (place.bound, bound), place.keys)
    }
  }

  private static func withBytes<Result>(
    of bound: KeyBound?, _ body: (ByteView?) -> Result
  ) -> Result {
    guard let bound else { return body(nil) }
    return bound.bytes.withByteView { body($0) }
  }

  /// Ends the run: the source comes to stand where the cursor does.
  private mutating func leaveRun() throws(StoreError) {
    let hasMoved = run.hasMoved
    let index = run.index
    run.end()
    guard hasMoved else { return }
    isHeld = false
    entry = nil
    try source.moveInBlock(to: index)
    entry = source.entry
  }
}

// MARK: - What a reader sees

extension VisibleCursor {
  /// Whether a version is one the reader sees, given that it is the newest it may see.
  private func shows(_ version: EntryView) throws(StoreError) -> Bool {
    switch version.kind {
    case .put, .pointer: version.expiry == 0 || version.expiry > readPoint.time
    case .delete: false
    case .rangeDelete:
      throw StoreError(.incompatible, "range deletes are not known to this version")
    }
  }

  /// From where the source stands, finds the first visible key on.
  private mutating func findForward() throws(StoreError) {
    while let version = source.entry {
      if let upper, !upper.isAbove(version.key) { return }
      if version.sequence <= readPoint.sequence {
        if try shows(version) { return stand(on: version) }
        key.copy(version.key)
        skippedEntries &+= 1
        try passOlderVersions()
      } else {
        key.copy(version.key)
        try passTooNewVersions()
      }
    }
  }

  private mutating func stand(on version: EntryView) {
    isHeld = false
    entry = version
  }

  /// From a version newer than the read point, moves to the first one of `key` that is not, or past
  /// the key.
  private mutating func passTooNewVersions() throws(StoreError) {
    for _ in 0..<Self.patience {
      skippedEntries &+= 1
      try source.next()
      guard let version = source.entry, version.sequence > readPoint.sequence,
        try isOfKey(version, 1)
      else { return }
    }
    try source.seek(key.view, readPoint.sequence)
    guard let version = source.entry, try isOfKey(version, 1) else { return }
    if version.sequence > readPoint.sequence { throw source.disorder }
  }

  /// From a version of `key`, moves past its oldest.
  private mutating func passOlderVersions() throws(StoreError) {
    for _ in 0..<Self.patience {
      try source.next()
      guard let version = source.entry, try isOfKey(version, 1) else { return }
      skippedEntries &+= 1
    }
    try seekBehindKey()
  }

  /// From a version of `key`, moves before its newest.
  private mutating func passNewerVersions() throws(StoreError) {
    for _ in 0..<Self.patience {
      try source.previous()
      guard let version = source.entry, try isOfKey(version, -1) else { return }
      skippedEntries &+= 1
    }
    try seekBeforeKey()
  }
}

// MARK: - Always onward

// A file may be out of order although its checksums hold. Each key must lie beyond the one before, so
// that no walk over it ever turns back and goes on for ever.

extension VisibleCursor {
  /// Whether a version is one of `key`; if not its key must be larger (1) or smaller (-1).
  private func isOfKey(_ version: EntryView, _ direction: Int) throws(StoreError) -> Bool {
    let order = version.key.compare(key.view)
    if order == 0 { return true }
    guard order.signum() == direction else { throw source.disorder }
    return false
  }

  /// Goes past all versions of `key`.
  private mutating func seekBehindKey() throws(StoreError) {
    try source.seek(key.view, .zero)
    if let version = source.entry, version.key <= key.view { throw source.disorder }
  }

  /// Goes before all versions of `key`.
  private mutating func seekBeforeKey() throws(StoreError) {
    try source.seek(before: key.view, .max)
    if let version = source.entry, version.key >= key.view { throw source.disorder }
  }
}

// MARK: - Backward

extension VisibleCursor {
  /// From where the source stands, finds the first visible key back.
  private mutating func findBackward() throws(StoreError) {
    while let oldest = source.entry {
      if let lower, lower.isAbove(oldest.key) { return }
      key.copy(oldest.key)
      if oldest.sequence > readPoint.sequence {
        skippedEntries &+= 1
        try passNewerVersions()
      } else if try findNewestVisible() {
        return
      }
    }
  }

  /// From the oldest version of `key`, which the read point includes, stands on its newest included
  /// version, held or on the source, if that shows; otherwise moves before the key.
  private mutating func findNewestVisible() throws(StoreError) -> Bool {
    var held: EntryView?
    var steps = 0
    while let version = source.entry, try isOfKey(version, -1) {
      if version.sequence > readPoint.sequence {
        skippedEntries &+= 1
        try passNewerVersions()
        break
      }
      if steps == Self.patience || version.value.count > Self.heldValueBytes {
        return try seekNewestVisible()
      }
      if held != nil { skippedEntries &+= 1 }
      held = hold(version)
      steps &+= 1
      try source.previous()
    }
    guard let held, try shows(held) else {
      skippedEntries &+= 1
      return false
    }
    isHeld = true
    entry = held
    return true
  }

  /// Copies a version whose memory is about to go; its key is in `key` already.
  private mutating func hold(_ version: EntryView) -> EntryView {
    value.copy(version.value)
    var copy = version
    copy.key = key.view
    copy.value = value.view
    return copy
  }

  /// Goes straight to the newest included version of `key` and stands on it if it shows; otherwise
  /// moves before the key.
  private mutating func seekNewestVisible() throws(StoreError) -> Bool {
    skippedEntries &+= 1
    try source.seek(key.view, readPoint.sequence)
    // The cursor came by such a version on its way.
    guard let newest = source.entry, key.holds(newest.key) else { throw source.disorder }
    guard try shows(newest) else {
      try seekBeforeKey()
      return false
    }
    stand(on: newest)
    return true
  }
}
