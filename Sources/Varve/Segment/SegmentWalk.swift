// A cursor stands on an entry of a block of a leaf:
//
//   top -> leafIndex -> leaf -> item -> block -> index -> entry
//
// Moving inside a block decodes one entry; the key is put together in a buffer of the cursor, the
// value is lent from the block.

import VarveFormat
import VarvePlatform

/// Where a cursor stands in a segment, and all it needs to go on: a part of the cursor that walks one
/// segment, or a level of them, so that a cursor is one object. Entries it lends hold until it moves.
struct SegmentWalk: ~Copyable {
  private(set) var entry: EntryView?
  /// None before a walk over a level comes to its first.
  private var segment: OpenSegment?
  /// Where all blocks go that cannot be lent in place; nil where they go through the cache.
  private var scratch: BlockScratch?
  /// Where blocks go then that a long walk passes: it would drive out what is read again and again.
  private var passing: BlockScratch?
  /// How many blocks were entered by stepping since the last seek.
  private var blocksPassed = 0
  private var readAhead = ReadAhead()
  private var key = KeyBuffer()
  private var place: OpenSegment.Place?
  /// The block at `place`, what keeps it alive, and the entry in it.
  private var block: DataBlock?
  private var owner: CachedBlock?
  private var index = 0

  /// Stands nowhere, in no segment.
  @inline(__always)
  init() {}

  @inline(__always)
  init(_ segment: OpenSegment, scratch: BlockScratch? = nil) {
    self.segment = segment
    self.scratch = scratch
  }

  /// Stands nowhere in `segment`, having been in none.
  mutating func enter(_ segment: consuming OpenSegment, scratch: consuming BlockScratch?) {
    self.segment = segment
    self.scratch = scratch
  }

  /// Stands nowhere, in no segment.
  mutating func leave() {
    entry = nil
    place = nil
    block = nil
    owner = nil
    segment = nil
    scratch = nil
  }
}

extension SegmentWalk {
  var disorder: StoreError {
    failure(.init(.dataBlock, .order, at: place?.handle.offset ?? segment?.dataBlocks.offset ?? 0))
  }

  private func failure(_ error: FormatError) -> StoreError {
    StoreError(error, in: segment?.name ?? "")
  }
}

// MARK: - Walking in the block

extension SegmentWalk {
  func begin(_ run: inout BlockRun, _ terms: RunTerms) {
    guard entry != nil, let block else { return }
    run.begin(
      block, terms.direction, from: index, at: terms.limit,
      within: (terms.neighbour, terms.bound), key.room)
  }

  mutating func moveInBlock(to index: Int) throws(StoreError) {
    guard entry != nil else { return }
    self.index = index
    try show()
  }
}

// MARK: - Seeking

extension SegmentWalk {
  mutating func seekToFirst() throws(StoreError) {
    beginWalk()
    entry = nil
    try enterLeaf(0, .first)
  }

  mutating func seekToLast() throws(StoreError) {
    beginWalk()
    entry = nil
    try enterLastLeaf()
  }

  mutating func seek(_ key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    entry = nil
    guard try stand(atOrAfter: key, sequence) else { return }
    // Between a block's last entry and its separator: the next block's first entry is the one.
    if index < entryCount { try show() } else { try enterNextBlock() }
  }

  mutating func seek(before key: ByteView, _ sequence: SequenceNumber) throws(StoreError) {
    entry = nil
    if try stand(atOrAfter: key, sequence, isWalkBegin: false) {
      try stepBack()
    } else {
      try enterLastLeaf()
    }
  }

  mutating func next() throws(StoreError) {
    guard entry != nil else { return }
    index &+= 1
    if index < entryCount { return try show() }
    entry = nil
    try enterNextBlock()
  }

  mutating func previous() throws(StoreError) {
    guard entry != nil else { return }
    entry = nil
    try stepBack()
  }
}

// MARK: - Moving

extension SegmentWalk {
  private enum Side {
    case first
    case last
  }

  private var entryCount: Int { block?.count ?? 0 }

  /// Lends the entry at `index`.
  private mutating func show() throws(StoreError) {
    guard let block else { return }
    do throws(FormatError) {
      let found = try block.entry(at: index)
      entry = EntryView(
        key: key.key(endingWith: found.suffix), sequence: found.sequence, kind: found.kind,
        expiry: found.expiry, value: found.value)
    } catch {
      entry = nil
      throw failure(error)
    }
  }

  /// Stands at the first entry at or after (`key`, `sequence`), which may be one behind the last of
  /// its block; false where the segment has no block that far.
  ///
  /// - Parameter isWalkBegin: whether the entries from there on are likely to be shown.
  private mutating func stand(
    atOrAfter key: ByteView, _ sequence: SequenceNumber, isWalkBegin: Bool = true
  ) throws(StoreError) -> Bool {
    guard let found = try place(of: key, sequence) else { return false }
    beginWalk()
    try enter(found)
    do throws(FormatError) {
      index = try block?.lowerBound(key, sequence, isWalkBegin: isWalkBegin) ?? 0
      if isWalkBegin, index &+ Self.shortWalk > entryCount {
        segment?.prefetchBlock(behind: found.handle)
      }
    } catch {
      throw failure(error)
    }
    return true
  }

  @inline(__always)
  private func place(
    of key: ByteView, _ sequence: SequenceNumber
  ) throws(StoreError) -> OpenSegment.Place? {
    do { return try segment?.place(of: key, sequence) } catch {
      throw failure(error)
    }
  }

  private mutating func beginWalk() {
    blocksPassed = 0
    readAhead = ReadAhead()
  }

  private mutating func stepBack() throws(StoreError) {
    if index > 0 {
      index &-= 1
      return try show()
    }
    guard let place else { return }
    if place.item > 0 { return try enterItem(place.item - 1, .last) }
    if place.leafIndex > 0 { try enterLeaf(place.leafIndex - 1, .last) }
  }

  private mutating func enterNextBlock() throws(StoreError) {
    guard let place, let segment else { return }
    if place.item + 1 < place.leafCount { return try enterItem(place.item + 1, .first) }
    if place.leafIndex + 1 < segment.top.count { try enterLeaf(place.leafIndex + 1, .first) }
  }

  private mutating func enterLastLeaf() throws(StoreError) {
    guard let segment else { return }
    try enterLeaf(segment.top.count - 1, .last)
  }

  private mutating func enterLeaf(_ leafIndex: Int, _ side: Side) throws(StoreError) {
    guard let segment else { return }
    do throws(FormatError) {
      let leaf = try segment.leaf(at: leafIndex)
      let item = side == .first ? 0 : leaf.count - 1
      place = OpenSegment.Place(leafIndex, leaf, item: item, handle: try leaf.handle(at: item))
    } catch {
      throw failure(error)
    }
    try enterPlace(side)
  }

  private mutating func enterItem(_ item: Int, _ side: Side) throws(StoreError) {
    guard var next = place, let segment else { return }
    next.item = item
    do throws(FormatError) {
      next.handle = try segment.leaf(at: next.leafIndex).handle(at: item)
    } catch {
      throw failure(error)
    }
    place = next
    try enterPlace(side)
  }

  /// Shows the block's entry on the side from which a step came.
  private mutating func enterPlace(_ side: Side) throws(StoreError) {
    guard let place, let segment else { return }
    blocksPassed += 1
    try enter(place)
    // Entered, the block was found to lie among the data blocks.
    segment.expect(
      readAhead.next(
        place.handle.offset..<place.handle.end, forward: side == .first,
        within: segment.dataBlocks.offset..<segment.dataBlocks.end))
    index = side == .first ? 0 : entryCount - 1
    try show()
    try checkPlace(place, segment)
  }

  /// A seek for the entry at hand would lead to this block as the step did: else a walk in one direction would
  /// show what it does not show in the other.
  private mutating func checkPlace(
    _ place: OpenSegment.Place, _ segment: OpenSegment
  ) throws(StoreError) {
    guard let shown = entry else { return }
    do throws(FormatError) {
      let leaf = try segment.leaf(at: place.leafIndex)
      var isRight = try leaf.lowerBound(shown.key, shown.sequence) == place.item
      if isRight, place.item == 0 || place.item + 1 == place.leafCount {
        isRight = try segment.top.lowerBound(shown.key, shown.sequence) == place.leafIndex
      }
      if isRight { return }
    } catch {
      entry = nil
      throw failure(error)
    }
    entry = nil
    throw failure(.init(.blockIndex, .order, at: place.leafBase))
  }

  @inline(__always)
  private mutating func enter(_ next: OpenSegment.Place) throws(StoreError) {
    block = nil
    guard let segment else { return }
    let lent = try lend(next, segment)
    place = next
    owner = lent.owner
    block = lent.block
    key.begin(with: lent.block.prefix)
  }

  @inline(__always)
  private mutating func lend(
    _ next: OpenSegment.Place, _ segment: OpenSegment
  ) throws(StoreError) -> LentBlock {
    if scratch != nil || blocksPassed <= Self.cachedBlocks {
      return try segment.block(next.handle, inLeafAt: next.leafBase, in: scratch)
    }
    let passing = passing ?? BlockScratch()
    self.passing = passing
    return try segment.block(
      next.handle, inLeafAt: next.leafBase, in: passing, asksCache: true)
  }

  /// So many steps are likely to follow a seek.
  private static var shortWalk: Int { 10 }

  /// A walk leaves so many blocks in the cache: a short one may come again.
  private static var cachedBlocks: Int { 2 }
}
