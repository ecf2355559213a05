// A cursor stands on an entry of a block of a leaf:
//
//   top -> leafIndex -> leaf -> item -> block -> index -> entry
//
// Moving inside a block decodes one entry; the key is put together in a buffer of the cursor, the
// value is lent from the block.

import VarveFormat
import VarvePlatform

/// Walks a segment in order, both ways. One thread at a time.
///
/// A class, because a copy would share the key buffer. Entries it lends hold until it moves.
final class SegmentCursor: EntryCursor {
  private(set) var entry: EntryView?
  private let segment: OpenSegment
  /// Where all blocks go that cannot be lent in place; nil where they go through the cache.
  private let scratch: BlockScratch?
  /// Where blocks go then that a long walk passes: it would drive out what is read again and again.
  private var passing: BlockScratch?
  /// How many blocks were entered by stepping since the last seek.
  private var blocksPassed = 0
  private var readAhead = ReadAhead()
  /// Unchecked: the cursor is moved by one thread at a time, and never inside of a move.
  @exclusivity(unchecked) private var key = KeyBuffer()
  private var place: OpenSegment.Place?
  /// The block at `place`, what keeps it alive, and the entry in it.
  private var block: DataBlock?
  private var owner: CachedBlock?
  private var index = 0

  init(_ segment: OpenSegment, scratch: BlockScratch? = nil) {
    self.segment = segment
    self.scratch = scratch
  }
}

extension SegmentCursor {
  var disorder: StoreError {
    StoreError(
      FormatError(.dataBlock, .order, at: place?.handle.offset ?? segment.dataBlocks.offset),
      in: segment.name)
  }
}

// MARK: - Walking in the block

extension SegmentCursor {
  var blockPlace: BlockPlace? {
    guard entry != nil, let block else { return nil }
    return BlockPlace(block: block, index: index, keys: unsafe key.room)
  }

  func moveInBlock(to index: Int) throws(StoreError) {
    guard entry != nil else { return }
    self.index = index
    try show()
  }
}

// MARK: - Seeking

extension SegmentCursor {
  func seekToFirst() throws(StoreError) {
    beginWalk()
    try move { cursor throws(StoreError) in
      try cursor.enterLeaf(0, .first)
    }
  }

  func seekToLast() throws(StoreError) {
    beginWalk()
    try move { cursor throws(StoreError) in
      try cursor.enterLeaf(cursor.segment.top.count - 1, .last)
    }
  }

  func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    try move { cursor throws(StoreError) in
      guard try cursor.stand(atOrAfter: key, sequence) else { return false }
      // Between a block's last entry and its separator: the next block's first entry is the one.
      if cursor.index < cursor.entryCount { return true }
      return try cursor.enterNextBlock()
    }
  }

  func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    try move { cursor throws(StoreError) in
      guard try cursor.stand(atOrAfter: key, sequence) else {
        return try cursor.enterLeaf(cursor.segment.top.count - 1, .last)
      }
      return try cursor.stepBack()
    }
  }

  func next() throws(StoreError) {
    guard entry != nil else { return }
    index &+= 1
    if index < entryCount { return try show() }
    try move { cursor throws(StoreError) in try cursor.enterNextBlock() }
  }

  func previous() throws(StoreError) {
    guard entry != nil else { return }
    try move { cursor throws(StoreError) in try cursor.stepBack() }
  }
}

// MARK: - Moving

extension SegmentCursor {
  private enum Side {
    case first
    case last
  }

  private var entryCount: Int { block?.count ?? 0 }

  /// Moves by `step`, which says whether the cursor stands on an entry then. After an error it stands
  /// nowhere.
  private func move(
    _ step: (SegmentCursor) throws(StoreError) -> Bool
  ) throws(StoreError) {
    entry = nil
    if try step(self) { try show() }
  }

  /// Lends the entry at `index`.
  private func show() throws(StoreError) {
    guard let block else { return }
    do throws(FormatError) {
      let found = try block.entry(at: index)
      entry = EntryView(
        key: unsafe key.key(endingWith: found.suffix), sequence: found.sequence, kind: found.kind,
        expiry: found.expiry, value: found.value)
    } catch {
      entry = nil
      throw StoreError(error, in: segment.name)
    }
  }

  /// Stands at the first entry at or after (`key`, `sequence`), which may be one behind the last of
  /// its block; false where the segment has no block that far.
  private func stand(
    atOrAfter key: ByteView, _ sequence: SequenceNumber
  ) throws(StoreError) -> Bool {
    guard let found = try place(of: key, sequence) else { return false }
    beginWalk()
    try enter(found)
    do throws(FormatError) {
      index = try block?.lowerBound(key, sequence) ?? 0
      block?.prefetchWalk(from: index)
    } catch {
      throw StoreError(error, in: segment.name)
    }
    return true
  }

  private func place(
    of key: ByteView, _ sequence: SequenceNumber
  ) throws(StoreError) -> OpenSegment.Place? {
    do { return try segment.place(of: key, sequence) } catch {
      throw StoreError(error, in: segment.name)
    }
  }

  private func beginWalk() {
    blocksPassed = 0
    readAhead = ReadAhead()
  }

  private func stepBack() throws(StoreError) -> Bool {
    if index > 0 {
      index &-= 1
      return true
    }
    guard let place else { return false }
    if place.item > 0 { return try enterItem(place.item - 1, .last) }
    if place.leafIndex > 0 { return try enterLeaf(place.leafIndex - 1, .last) }
    return false
  }

  private func enterNextBlock() throws(StoreError) -> Bool {
    guard let place else { return false }
    if place.item + 1 < place.leaf.count { return try enterItem(place.item + 1, .first) }
    if place.leafIndex + 1 < segment.top.count { return try enterLeaf(place.leafIndex + 1, .first) }
    return false
  }

  private func enterLeaf(_ leafIndex: Int, _ side: Side) throws(StoreError) -> Bool {
    do throws(FormatError) {
      let leaf = try segment.leaf(at: leafIndex)
      let item = side == .first ? 0 : leaf.count - 1
      place = OpenSegment.Place(
        leafIndex: leafIndex, leaf: leaf, item: item, handle: try leaf.handle(at: item))
    } catch {
      throw StoreError(error, in: segment.name)
    }
    return try enterPlace(side)
  }

  private func enterItem(_ item: Int, _ side: Side) throws(StoreError) -> Bool {
    guard var next = place else { return false }
    next.item = item
    do throws(FormatError) { next.handle = try next.leaf.handle(at: item) } catch {
      throw StoreError(error, in: segment.name)
    }
    place = next
    return try enterPlace(side)
  }

  private func enterPlace(_ side: Side) throws(StoreError) -> Bool {
    guard let place else { return false }
    blocksPassed += 1
    try enter(place)
    // Entered, the block was found to lie among the data blocks.
    segment.expect(
      readAhead.next(
        place.handle.offset..<place.handle.end, forward: side == .first,
        within: segment.dataBlocks.offset..<segment.dataBlocks.end))
    index = side == .first ? 0 : entryCount - 1
    return true
  }

  private func enter(_ next: OpenSegment.Place) throws(StoreError) {
    block = nil
    let lent = try lend(next)
    place = next
    owner = lent.owner
    block = lent.block
    unsafe key.begin(with: lent.block.prefix)
  }

  private func lend(_ next: OpenSegment.Place) throws(StoreError) -> LentBlock {
    if scratch != nil || blocksPassed <= Self.cachedBlocks {
      return try segment.block(next.handle, of: next.leaf, in: scratch)
    }
    let passing = passing ?? BlockScratch()
    self.passing = passing
    return try segment.block(next.handle, of: next.leaf, in: passing, asksCache: true)
  }

  /// A walk leaves so many blocks in the cache: a short one may come again.
  private static var cachedBlocks: Int { 2 }
}
