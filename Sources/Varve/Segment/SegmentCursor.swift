import VarveFormat

/// Walks a segment in order, both ways. One thread at a time.
final class SegmentCursor: EntryCursor {
  /// Unchecked: the cursor is moved by one thread at a time, and never inside of a move.
  @exclusivity(unchecked) private var walk: SegmentWalk

  init(_ segment: OpenSegment, scratch: BlockScratch? = nil) {
    unsafe walk = SegmentWalk(segment, scratch: scratch)
  }

  var entry: EntryView? { unsafe walk.entry }
  var disorder: StoreError { unsafe walk.disorder }

  func seekToFirst() throws(StoreError) { try unsafe walk.seekToFirst() }

  func seekToLast() throws(StoreError) { try unsafe walk.seekToLast() }

  func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    try unsafe walk.seek(key, sequence)
  }

  func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    try unsafe walk.seek(before: key, sequence)
  }

  func next() throws(StoreError) { try unsafe walk.next() }

  func previous() throws(StoreError) { try unsafe walk.previous() }

  func begin(_ run: inout BlockRun, _ terms: RunTerms) { unsafe walk.begin(&run, terms) }

  func moveInBlock(to index: Int) throws(StoreError) { try unsafe walk.moveInBlock(to: index) }
}
