import Varve

/// A cursor that is kept over changes, and what it must show: what was there when it was made, or last
/// refreshed.
final class KeptCursor {
  enum Position {
    case before
    case at(Int)
    case nowhere
  }

  var cursor: Cursor
  let number: Int
  let keyspace: Keyspace
  let range: KeyRange
  let order: ScanOrder
  let isOfSnapshot: Bool
  var entries: [StoreModel.Entry]
  var position = Position.before

  init(
    _ cursor: consuming Cursor, _ number: Int, _ keyspace: Keyspace, _ range: KeyRange,
    _ order: ScanOrder, isOfSnapshot: Bool, entries: [StoreModel.Entry]
  ) {
    self.cursor = cursor
    self.number = number
    self.keyspace = keyspace
    self.range = range
    self.order = order
    self.isOfSnapshot = isOfSnapshot
    self.entries = entries
  }

  /// Steps through the entries as the cursor does; standing nowhere it stays there.
  func step(by distance: Int) {
    let next: Int
    switch position {
    case .before: next = distance > 0 ? 0 : entries.count - 1
    case .at(let index): next = index + distance
    case .nowhere: return
    }
    position = entries.indices.contains(next) ? .at(next) : .nowhere
  }

  func seek(to key: [UInt8]) {
    let sign = order == .ascending ? 1 : -1
    let next = entries.place { $0.shown.key.order(against: key) * sign }.index
    position = next < entries.count ? .at(next) : .nowhere
  }

  /// What it must stand on.
  var entry: StoreModel.Entry? {
    if case .at(let index) = position { entries[index] } else { nil }
  }
}

extension ModelRun {
  mutating func openCursor(
    _ slot: Int, on number: Int, _ range: KeyRange, _ order: ScanOrder, at snapshot: Int?
  ) throws {
    let kept = snapshot.flatMap { snapshots[$0] }
    guard let holder = (kept?.holders ?? holders)[number], holder.isLive else { return }
    let entries = (kept?.model ?? model).entries(of: number, range, order: order)
    cursors[slot] = KeptCursor(
      try holder.keyspace.cursor(range, order: order, at: kept?.snapshot), number, holder.keyspace,
      range, order, isOfSnapshot: kept != nil, entries: entries)
  }

  mutating func move(_ slot: Int, _ move: ModelMove) throws {
    guard let kept = cursors[slot] else { return }
    // Where it stands after a move that failed nobody says.
    cursors[slot] = nil
    let stands: Bool
    switch move {
    case .next:
      stands = try kept.cursor.next()
      kept.step(by: 1)
    case .previous:
      stands = try kept.cursor.previous()
      kept.step(by: -1)
    case .seek(let key):
      let key = modelKey(key)
      stands = try lends ? kept.cursor.seek(toBytes: key.span) : kept.cursor.seek(to: key)
      kept.seek(to: key)
    case .refresh:
      guard try refresh(kept) else { return cursors[slot] = kept }
      stands = false
    }
    try compare(kept, stands: stands, after: move)
    cursors[slot] = kept
  }

  /// False where the keyspace was dropped: then the cursor is what it was.
  private func refresh(_ kept: KeptCursor) throws -> Bool {
    let holder = holders[kept.number]
    guard kept.isOfSnapshot || holder?.keyspace === kept.keyspace && holder?.isLive == true else {
      try expect(.notFound, "refresh") { _ in try kept.cursor.refresh() }
      return false
    }
    try kept.cursor.refresh()
    kept.position = .before
    if !kept.isOfSnapshot {
      kept.entries = model.entries(of: kept.number, kept.range, order: kept.order)
    }
    return true
  }

  private mutating func compare(
    _ kept: KeptCursor, stands: Bool, after move: ModelMove
  ) throws {
    let found = StoreModel.Entry(
      [UInt8](copying: kept.cursor.key), [UInt8](copying: kept.cursor.value),
      expiry: kept.cursor.expiry ?? 0)
    trace.note(found.shown.key)
    trace.note(found.shown.value)
    let expected = kept.entry
    guard stands == (expected != nil), found == expected ?? StoreModel.Entry([], []) else {
      throw Difference(
        "a cursor on keyspace \(kept.number), \(kept.range), \(kept.order), after \(move) stands on "
          + "\(stands ? "\(found.shown.key)" : "nothing"), not on "
          + "\(expected.map { "\($0.shown.key)" } ?? "nothing")")
    }
  }
}
