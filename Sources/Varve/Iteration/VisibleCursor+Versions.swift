import VarveFormat

// What a reader sees of the versions that its source walks over.

extension ReadPoint {
  /// Whether a version is one a reader at this point sees, given that it is the newest it may see.
  fileprivate func shows(_ version: EntryView) throws(StoreError) -> Bool {
    switch version.kind {
    case .put, .pointer: version.expiry == 0 || version.expiry > time
    case .delete: false
    case .rangeDelete:
      throw StoreError(.incompatible, "range deletes are not known to this version")
    }
  }
}

extension VisibleCursor {
  /// From where the source stands, finds the first visible key on.
  mutating func findForward() throws(StoreError) {
    while let version = source.entry {
      if !bounds.endsAbove(version.key) { return }
      if version.sequence <= readPoint.sequence {
        if try readPoint.shows(version) { return stand(on: version) }
        key.copy(version.key)
        skippedEntries &+= 1
        try passOlderVersions(than: version.sequence)
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
      // The key first: what is old enough of another key must lie beyond this one all the same.
      guard let version = source.entry, try isOfKey(version, 1),
        version.sequence > readPoint.sequence
      else { return }
    }
    try source.seek(key.view, readPoint.sequence)
    guard let version = source.entry, try isOfKey(version, 1) else { return }
    if version.sequence > readPoint.sequence { throw source.disorder }
  }

  /// From the version of `key` with a sequence number, moves past its oldest.
  mutating func passOlderVersions(than sequence: SequenceNumber) throws(StoreError) {
    var last = sequence
    for _ in 0..<Self.patience {
      try source.next()
      guard let version = source.entry, try isOfKey(version, 1) else { return }
      if version.sequence > last { throw source.disorder }
      last = version.sequence
      skippedEntries &+= 1
    }
    try seekBehindKey()
  }

  /// From the version of `key` with a sequence number, moves before its newest.
  mutating func passNewerVersions(than sequence: SequenceNumber) throws(StoreError) {
    var last = sequence
    for _ in 0..<Self.patience {
      try source.previous()
      guard let version = source.entry, try isOfKey(version, -1) else { return }
      if version.sequence < last { throw source.disorder }
      last = version.sequence
      skippedEntries &+= 1
    }
    try seekBeforeKey()
  }
}

// MARK: - Always onward

// A file may be out of order although its checksums hold. Each key must lie beyond the one before, so
// that no walk over it ever turns back and goes on for ever.

extension VisibleCursor {
  /// Whether a version is one of `key`; if not its key must be larger (1) or smaller (-1). Changes nothing,
  /// and is mutating for what it costs otherwise: a copy of the cursor to lend.
  private mutating func isOfKey(_ version: EntryView, _ direction: Int) throws(StoreError) -> Bool {
    let order = version.key.compare(key.view)
    if order == 0 { return true }
    guard order.signum() == direction else { throw source.disorder }
    return false
  }

  /// Goes past all versions of `key`.
  mutating func seekBehindKey() throws(StoreError) {
    try source.seek(key.view, .zero)
    if let version = source.entry, version.key <= key.view { throw source.disorder }
  }

  /// Goes before all versions of `key`.
  mutating func seekBeforeKey() throws(StoreError) {
    try source.seek(before: key.view, .max)
    if let version = source.entry, version.key >= key.view { throw source.disorder }
  }
}

// MARK: - Backward

extension VisibleCursor {
  /// From where the source stands, finds the first visible key back.
  mutating func findBackward() throws(StoreError) {
    while let oldest = source.entry {
      if bounds.startsAbove(oldest.key) { return }
      key.copy(oldest.key)
      if oldest.sequence > readPoint.sequence {
        skippedEntries &+= 1
        try passNewerVersions(than: oldest.sequence)
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
        try passNewerVersions(than: version.sequence)
        break
      }
      if steps == Self.patience || version.value.count > Self.heldValueBytes {
        return try seekNewestVisible()
      }
      if let held {
        if version.sequence < held.sequence { throw source.disorder }
        skippedEntries &+= 1
      }
      held = hold(version)
      steps &+= 1
      try source.previous()
    }
    guard let held, try readPoint.shows(held) else {
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
    guard try readPoint.shows(newest) else {
      try seekBeforeKey()
      return false
    }
    stand(on: newest)
    return true
  }
}
