import VarveFormat

/// Walks one level or a part of it: disjoint segments one after the other, each opened when it is
/// reached.
final class LevelCursor: EntryCursor {
  private let level: Level
  /// Where the segments lie that are walked.
  private let places: Range<Int>
  private let fillsCache: Bool
  /// Where the segment lies that is walked now; outside of `places` where none is.
  private var index: Int
  /// Unchecked: the cursor is moved by one thread at a time, and never inside of a move.
  @exclusivity(unchecked) private var walk = SegmentWalk()

  init(_ level: Level, within places: Range<Int>, fillsCache: Bool = true) {
    self.level = level
    self.places = places
    self.fillsCache = fillsCache
    index = places.upperBound
  }

  var entry: EntryView? { unsafe walk.entry }

  var disorder: StoreError { unsafe walk.disorder }

  func begin(_ run: inout BlockRun, _ terms: RunTerms) { unsafe walk.begin(&run, terms) }

  func moveInBlock(to index: Int) throws(StoreError) { try unsafe walk.moveInBlock(to: index) }

  func seekToFirst() throws(StoreError) {
    guard try enter(places.lowerBound) else { return }
    try unsafe walk.seekToFirst()
  }

  func seekToLast() throws(StoreError) {
    guard try enter(places.upperBound - 1) else { return }
    try unsafe walk.seekToLast()
  }

  func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    guard try enter(level.firstIndex(reaching: key, within: places)) else { return }
    try unsafe walk.seek(key, sequence)
    // The segment's last key may be this one in a version that is newer than asked for.
    if unsafe walk.entry == nil { try goOn() }
  }

  func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    let reaching = level.firstIndex(reaching: key, within: places)
    guard try enter(min(reaching, places.upperBound - 1)) else { return }
    try unsafe walk.seek(before: key, sequence)
    if unsafe walk.entry == nil { try goBack() }
  }

  func next() throws(StoreError) {
    guard unsafe walk.entry != nil else { return }
    try unsafe walk.next()
    if unsafe walk.entry == nil { try goOn() }
  }

  func previous() throws(StoreError) {
    guard unsafe walk.entry != nil else { return }
    try unsafe walk.previous()
    if unsafe walk.entry == nil { try goBack() }
  }
}

extension LevelCursor {
  /// Opens the segment at `position`; false, and standing nowhere, where there is none.
  private func enter(_ position: Int) throws(StoreError) -> Bool {
    if index == position, places.contains(position) { return true }
    if places.contains(index) {
      unsafe walk.leave()
      index = places.upperBound
    }
    guard places.contains(position) else { return false }
    let reader = level.segments[position].reader
    unsafe walk.enter(try reader.open(), scratch: try reader.scratch(fillsCache))
    index = position
    return true
  }

  private func goOn() throws(StoreError) {
    guard try enter(index + 1) else { return }
    try unsafe walk.seekToFirst()
  }

  private func goBack() throws(StoreError) {
    guard try enter(index - 1) else { return }
    try unsafe walk.seekToLast()
  }
}
