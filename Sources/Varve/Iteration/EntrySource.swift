import VarveFormat

/// One of the layers that a merge walks: concrete cases, so that a step is a jump and not a call
/// through a table.
enum EntrySource: EntryCursor {
  case memTable(MemTableCursor)
  case segment(SegmentCursor)
  case level(LevelCursor)

  init(_ table: MemTable) { self = .memTable(table.makeCursor()) }

  /// The segments of `level` that lie at `places`.
  init(_ level: Level, within places: Range<Int>, fillsCache: Bool = true) {
    self = .level(LevelCursor(level, within: places, fillsCache: fillsCache))
  }

  var entry: EntryView? {
    switch self {
    case .memTable(let cursor): cursor.entry
    case .segment(let cursor): cursor.entry
    case .level(let cursor): cursor.entry
    }
  }

  func seekToFirst() throws(StoreError) {
    switch self {
    case .memTable(let cursor): cursor.seekToFirst()
    case .segment(let cursor): try cursor.seekToFirst()
    case .level(let cursor): try cursor.seekToFirst()
    }
  }

  func seekToLast() throws(StoreError) {
    switch self {
    case .memTable(let cursor): cursor.seekToLast()
    case .segment(let cursor): try cursor.seekToLast()
    case .level(let cursor): try cursor.seekToLast()
    }
  }

  func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    switch self {
    case .memTable(let cursor): cursor.seek(key, sequence)
    case .segment(let cursor): try cursor.seek(key, sequence)
    case .level(let cursor): try cursor.seek(key, sequence)
    }
  }

  func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    switch self {
    case .memTable(let cursor): cursor.seek(before: key, sequence)
    case .segment(let cursor): try cursor.seek(before: key, sequence)
    case .level(let cursor): try cursor.seek(before: key, sequence)
    }
  }

  func begin(_ run: inout BlockRun, _ terms: RunTerms) {
    switch self {
    case .memTable: return
    case .segment(let cursor): cursor.begin(&run, terms)
    case .level(let cursor): cursor.begin(&run, terms)
    }
  }

  func moveInBlock(to index: Int) throws(StoreError) {
    switch self {
    case .memTable: preconditionFailure("a memtable has no blocks")
    case .segment(let cursor): try cursor.moveInBlock(to: index)
    case .level(let cursor): try cursor.moveInBlock(to: index)
    }
  }

  var disorder: StoreError {
    switch self {
    case .memTable(let cursor): cursor.disorder
    case .segment(let cursor): cursor.disorder
    case .level(let cursor): cursor.disorder
    }
  }

  func next() throws(StoreError) {
    switch self {
    case .memTable(let cursor): cursor.next()
    case .segment(let cursor): try cursor.next()
    case .level(let cursor): try cursor.next()
    }
  }

  func previous() throws(StoreError) {
    switch self {
    case .memTable(let cursor): cursor.previous()
    case .segment(let cursor): try cursor.previous()
    case .level(let cursor): try cursor.previous()
    }
  }
}
