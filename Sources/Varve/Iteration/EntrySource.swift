import VarveFormat

/// One of the layers that a merge walks: concrete cases, so that a step is a jump and not a call
/// through a table.
enum EntrySource: EntryCursor {
  case memTable(CursorBox<MemTableCursor>)
  case segment(SegmentCursor)
  case level(CursorBox<LevelCursor>)

  init(_ table: MemTable) { self = .memTable(CursorBox(table.makeCursor())) }

  /// The segments of `level` that lie at `places`.
  init(_ level: Level, within places: Range<Int>, fillsCache: Bool = true) {
    self = .level(CursorBox(LevelCursor(level, within: places, fillsCache: fillsCache)))
  }

  var entry: EntryView? {
    switch self {
    case .memTable(let box): box.cursor.entry
    case .segment(let cursor): cursor.entry
    case .level(let box): box.cursor.entry
    }
  }

  func seekToFirst() throws(StoreError) {
    switch self {
    case .memTable(let box): box.cursor.seekToFirst()
    case .segment(let cursor): try cursor.seekToFirst()
    case .level(let box): try box.cursor.seekToFirst()
    }
  }

  func seekToLast() throws(StoreError) {
    switch self {
    case .memTable(let box): box.cursor.seekToLast()
    case .segment(let cursor): try cursor.seekToLast()
    case .level(let box): try box.cursor.seekToLast()
    }
  }

  func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    switch self {
    case .memTable(let box): box.cursor.seek(key, sequence)
    case .segment(let cursor): try cursor.seek(key, sequence)
    case .level(let box): try box.cursor.seek(key, sequence)
    }
  }

  func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    switch self {
    case .memTable(let box): box.cursor.seek(before: key, sequence)
    case .segment(let cursor): try cursor.seek(before: key, sequence)
    case .level(let box): try box.cursor.seek(before: key, sequence)
    }
  }

  var disorder: StoreError {
    switch self {
    case .memTable(let box): box.cursor.disorder
    case .segment(let cursor): cursor.disorder
    case .level(let box): box.cursor.disorder
    }
  }

  func next() throws(StoreError) {
    switch self {
    case .memTable(let box): box.cursor.next()
    case .segment(let cursor): try cursor.next()
    case .level(let box): try box.cursor.next()
    }
  }

  func previous() throws(StoreError) {
    switch self {
    case .memTable(let box): box.cursor.previous()
    case .segment(let cursor): try cursor.previous()
    case .level(let box): try box.cursor.previous()
    }
  }
}

/// A cursor with a place of its own, so that moving it moves nothing else.
final class CursorBox<Cursor: EntryCursor> {
  var cursor: Cursor

  init(_ cursor: Cursor) { self.cursor = cursor }
}
