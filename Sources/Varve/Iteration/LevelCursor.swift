import VarveFormat

/// Walks one level or a part of it: disjoint segments one after the other, each opened when it is
/// reached.
final class LevelCursor: EntryCursor {
  private let level: Level
  /// Where the segments lie that are walked.
  private let places: Range<Int>
  private let fillsCache: Bool
  private var index: Int
  private var cursor: SegmentCursor?

  init(_ level: Level, within places: Range<Int>, fillsCache: Bool = true) {
    self.level = level
    self.places = places
    self.fillsCache = fillsCache
    index = places.upperBound
  }

  var entry: EntryView? { cursor?.entry }

  var disorder: StoreError {
    cursor?.disorder ?? StoreError(.corrupted, "out of order")
  }

  var blockPlace: BlockPlace? { cursor?.blockPlace }

  func moveInBlock(to index: Int) throws(StoreError) { try cursor?.moveInBlock(to: index) }

  func seekToFirst() throws(StoreError) {
    guard try enter(places.lowerBound) else { return }
    try cursor?.seekToFirst()
  }

  func seekToLast() throws(StoreError) {
    guard try enter(places.upperBound - 1) else { return }
    try cursor?.seekToLast()
  }

  func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    guard try enter(level.firstIndex(reaching: key, within: places)) else { return }
    try cursor?.seek(key, sequence)
    // The segment's last key may be this one in a version that is newer than asked for.
    if cursor?.entry == nil { try goOn() }
  }

  func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    let reaching = level.firstIndex(reaching: key, within: places)
    guard try enter(min(reaching, places.upperBound - 1)) else { return }
    try cursor?.seek(before: key, sequence)
    if cursor?.entry == nil { try goBack() }
  }

  func next() throws(StoreError) {
    guard cursor?.entry != nil else { return }
    try cursor?.next()
    if cursor?.entry == nil { try goOn() }
  }

  func previous() throws(StoreError) {
    guard cursor?.entry != nil else { return }
    try cursor?.previous()
    if cursor?.entry == nil { try goBack() }
  }
}

extension LevelCursor {
  /// Opens the segment at `position`; false, and standing nowhere, where there is none.
  private func enter(_ position: Int) throws(StoreError) -> Bool {
    guard places.contains(position) else {
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

  private func goOn() throws(StoreError) {
    guard try enter(index + 1) else { return }
    try cursor?.seekToFirst()
  }

  private func goBack() throws(StoreError) {
    guard try enter(index - 1) else { return }
    try cursor?.seekToLast()
  }
}
