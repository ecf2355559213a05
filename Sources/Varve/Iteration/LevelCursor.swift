import VarveFormat

/// Walks one level: its disjoint segments one after the other, each opened when it is reached.
struct LevelCursor: EntryCursor {
  private let level: Level
  private let fillsCache: Bool
  private var index: Int
  private var cursor: SegmentCursor?

  init(_ level: Level, fillsCache: Bool = true) {
    self.level = level
    self.fillsCache = fillsCache
    index = level.segments.count
  }

  var entry: EntryView? { cursor?.entry }

  mutating func seekToFirst() throws(StoreError) {
    guard try enter(0) else { return }
    try cursor?.seekToFirst()
  }

  mutating func seekToLast() throws(StoreError) {
    guard try enter(level.segments.count - 1) else { return }
    try cursor?.seekToLast()
  }

  mutating func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    guard try enter(level.firstIndex(reaching: key)) else { return }
    try cursor?.seek(key, sequence)
    // The segment's last key may be this one in a version that is newer than asked for.
    if cursor?.entry == nil { try goOn() }
  }

  mutating func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    let reaching = level.firstIndex(reaching: key)
    guard try enter(min(reaching, level.segments.count - 1)) else { return }
    try cursor?.seek(before: key, sequence)
    if cursor?.entry == nil { try goBack() }
  }

  mutating func next() throws(StoreError) {
    guard cursor?.entry != nil else { return }
    try cursor?.next()
    if cursor?.entry == nil { try goOn() }
  }

  mutating func previous() throws(StoreError) {
    guard cursor?.entry != nil else { return }
    try cursor?.previous()
    if cursor?.entry == nil { try goBack() }
  }
}

extension LevelCursor {
  /// Opens the segment at `position`; false, and standing nowhere, where there is none.
  private mutating func enter(_ position: Int) throws(StoreError) -> Bool {
    guard level.segments.indices.contains(position) else {
      cursor = nil
      return false
    }
    if cursor == nil || index != position {
      cursor = nil
      cursor = try level.segments[position].reader.cursor(fillsCache: fillsCache)
      index = position
    }
    return true
  }

  private mutating func goOn() throws(StoreError) {
    guard try enter(index + 1) else { return }
    try cursor?.seekToFirst()
  }

  private mutating func goBack() throws(StoreError) {
    guard try enter(index - 1) else { return }
    try cursor?.seekToLast()
  }
}
