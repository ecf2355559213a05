import VarveFormat
import VarvePlatform

/// Parts of a cold file, 64 KiB each: what is fetched is fetched in whole slots, and those that lie side by
/// side and are missing in one request.
///
/// ```
///   asked for          |--|                    expected  |----------|
///   slots       [ memory ][  disk  ][ missing ][ missing ]
///   one request                     |--------------------|
/// ```
///
/// A request takes as long for 64 KiB as for one block, and what lies near a value is often asked for next.
/// Bytes are copied twice on their way: from the answer into the slot, which is what stays in memory, and from
/// there to whoever asked; walks over large values are lent those in one slot where they lie.
struct ColdSlots {
  static let slotBytes = UInt64(SlotEntry.slotBytes)
  /// Bytes that one request brings at most, about.
  private static let mostBytes: UInt64 = 8 << 20

  private let files: ColdFiles
  private let place: ColdPlace
  private let content: FileID
  private let memory: BlockCache
  private let kept: SlotCache?

  /// - Parameter memory: where slots are looked for and kept: `files.slots`, or `files.passing`.
  /// - Parameter kept: the same on disk; nil for one who passes through.
  init(_ files: ColdFiles, _ place: ColdPlace, in memory: BlockCache, kept: SlotCache?) {
    self.files = files
    self.place = place
    content = place.contentID
    self.memory = memory
    self.kept = kept
  }

  /// Copies bytes of the file to the start of `buffer`. Returns whether all of them were in memory.
  ///
  /// - Parameter expected: what is read soon: fetched as well where something is to be fetched before it.
  func read(
    _ range: Range<UInt64>, expecting expected: Range<UInt64>, into buffer: AlignedBuffer
  ) throws(FileSystemError) -> Bool {
    var start = range.lowerBound
    var isWhole = true
    while start < range.upperBound {
      let piece = start..<start + min(Self.mostBytes, range.upperBound - start)
      let slots = Self.slots(of: piece)
      let found = slots.map(cached)
      isWhole = isWhole && !found.contains { $0 == nil }
      let blocks = try blocks(slots, found, last: last(piece, slots, expected))
      for (number, block) in zip(slots, blocks) {
        copy(block, number, piece, into: buffer, at: range.lowerBound)
      }
      start = piece.upperBound
    }
    return isWhole
  }

  /// The slot with all of `range`, where there is one and it is in memory, and where it begins.
  func one(with range: Range<UInt64>) -> (block: CachedBlock, start: UInt64)? {
    let slots = Self.slots(of: range)
    guard slots.count == 1, let block = cached(slots.lowerBound) else { return nil }
    files.count(memoryHits: 1)
    return (block, slots.lowerBound * Self.slotBytes)
  }

  /// Brings to memory what is missing of a part of the file. Not where memory is so short that it would drive
  /// out what was not read yet.
  func bring(_ range: Range<UInt64>) {
    let end = min(range.upperBound, place.tailStart)
    guard range.lowerBound < end, end - range.lowerBound <= UInt64(memory.budget / 16) else {
      return
    }
    let slots = Self.slots(of: range.lowerBound..<end)
    let found = slots.map(cached)
    guard found.contains(where: { $0 == nil }) else { return }
    _ = try? blocks(slots, found, last: slots.upperBound - 1)
  }

  private func copy(
    _ block: CachedBlock, _ slot: UInt64, _ piece: Range<UInt64>, into buffer: AlignedBuffer,
    at base: UInt64
  ) {
    let start = slot * Self.slotBytes
    let part = piece.clamped(to: start..<start + UInt64(block.count))
    buffer.copy(
      block.bytes.dropping(Int(part.lowerBound - start)).prefix(part.count),
      to: Int(part.lowerBound - base))
  }

  private static func slots(of range: Range<UInt64>) -> Range<UInt64> {
    range.lowerBound / slotBytes..<(range.upperBound + slotBytes - 1) / slotBytes
  }

  /// The last slot that may be fetched together with those of `range`: as far as is expected behind it.
  private func last(
    _ range: Range<UInt64>, _ slots: Range<UInt64>, _ expected: Range<UInt64>
  ) -> UInt64 {
    let goesOn =
      expected.lowerBound <= range.upperBound + Self.slotBytes
      && expected.upperBound > range.upperBound
    guard goesOn else { return slots.upperBound - 1 }
    // What comes must not drive out what came before anybody has read it.
    let most = min(Self.mostBytes, UInt64(memory.budget / 4))
    let limit = min(expected.upperBound, place.tailStart, range.upperBound + most)
    return max(slots.upperBound, Self.slots(of: 0..<limit).upperBound) - 1
  }
}

// MARK: - From memory, from disk, from the bucket

extension ColdSlots {
  private func key(_ slot: UInt64) -> SlotKey { SlotKey(file: content, slot: slot) }

  private func cached(_ slot: UInt64) -> CachedBlock? {
    let block = memory.cachedBlock(for: blockKey(slot))
    return block?.count == bytes(of: slot..<slot + 1).count ? block : nil
  }

  private func blockKey(_ slot: UInt64) -> BlockKey {
    BlockKey(file: place.file.number, place: slot * Self.slotBytes)
  }

  private func bytes(of slots: Range<UInt64>) -> Range<UInt64> {
    slots.lowerBound * Self.slotBytes..<min(slots.upperBound * Self.slotBytes, place.size)
  }

  /// The slots, wherever they are. Several may come to the same one at once.
  private func blocks(
    _ slots: Range<UInt64>, _ inMemory: [CachedBlock?], last: UInt64
  ) throws(FileSystemError) -> [CachedBlock] {
    var found = inMemory
    files.count(memoryHits: found.count { $0 != nil })
    guard Waiting.isAllowed else { return try blocksHere(slots, found) }
    while let first = found.firstIndex(where: { $0 == nil }),
      let end = found.lastIndex(where: { $0 == nil })
    {
      let missing = slots.lowerBound + UInt64(first)...slots.lowerBound + UInt64(end)
      guard let turn = turn(for: missing, last, slots, &found) else { continue }
      let (came, blocks) = try take(turn)
      for slot in came.clamped(to: slots) {
        let block = blocks[Int(slot - came.lowerBound)]
        // Whom a flight is for goes by the digest: a forged one may be another file's, of another length.
        guard block.count == bytes(of: slot..<slot + 1).count else { continue }
        found[Int(slot - slots.lowerBound)] = block
      }
    }
    return found.compactMap(\.self)
  }

  /// The slots as far as they are on this machine, for who may wait neither for the bucket nor for one who does.
  private func blocksHere(
    _ slots: Range<UInt64>, _ found: [CachedBlock?]
  ) throws(FileSystemError) -> [CachedBlock] {
    var blocks: [CachedBlock] = []
    for (slot, block) in zip(slots, found) {
      if let block {
        blocks.append(block)
      } else if let block = kept?.block(for: key(slot), count: bytes(of: slot..<slot + 1).count) {
        blocks.append(memory.keep(block, for: blockKey(slot)))
      } else {
        throw FileSystemError(
          .read, .remote(.init(.waits, "lies in the bucket")), path: place.file.name.description)
      }
    }
    return blocks
  }

  /// Nil where all that was missing has come since.
  private func turn(
    for missing: ClosedRange<UInt64>, _ last: UInt64, _ slots: Range<UInt64>,
    _ found: inout [CachedBlock?]
  ) -> SlotFlights.Turn? {
    // Only where all to the end is missing what is expected is the next thing to fetch.
    let isLast = missing.upperBound == slots.upperBound - 1
    return files.flights.turn(
      for: missing, through: isLast ? last : missing.upperBound, of: key,
      isMissing: { slot in
        let index = Int(slot - slots.lowerBound)
        // It may have landed since it was looked for.
        if found[index] == nil { found[index] = cached(slot) }
        return found[index] == nil
      }, isWanted: { cached($0) == nil && kept?.contains(key($0)) != true })
  }

  private func take(
    _ turn: SlotFlights.Turn
  ) throws(FileSystemError) -> (Range<UInt64>, [CachedBlock]) {
    switch turn {
    case .join(let flight): return (flight.slots, try flight.wait())
    case .lead(let slots, let flight):
      let fetched: ArraySlice<CachedBlock>
      let blocks: [CachedBlock]
      do throws(FileSystemError) {
        (blocks, fetched) = try load(slots)
        files.flights.land(flight, .success(blocks), of: key)
      } catch {
        files.flights.land(flight, .failure(error), of: key)
        throw error
      }
      // When nobody waits any more.
      for (index, block) in zip(fetched.indices, fetched) {
        kept?.keep(block, for: key(slots.lowerBound + UInt64(index)))
      }
      return (slots, blocks)
    }
  }

  /// Slots from disk, and from the first to the last one that is not there by one request. Says which
  /// were fetched.
  private func load(
    _ slots: Range<UInt64>
  ) throws(FileSystemError) -> ([CachedBlock], fetched: ArraySlice<CachedBlock>) {
    var blocks = slots.map { slot in
      kept?.block(for: key(slot), count: bytes(of: slot..<slot + 1).count)
    }
    var missing = 0..<0
    if let first = blocks.firstIndex(where: { $0 == nil }),
      let last = blocks.lastIndex(where: { $0 == nil })
    {
      missing = first..<last + 1
      let start = slots.lowerBound + UInt64(first)
      let fetched = try fetch(start..<start + UInt64(missing.count))
      blocks.replaceSubrange(missing, with: fetched.map(Optional.some))
    }
    let all = zip(slots, blocks).compactMap { slot, block in
      block.map { memory.keep($0, for: blockKey(slot)) }
    }
    return (all, all[missing])
  }

  /// Fetches slots by one request.
  private func fetch(_ slots: Range<UInt64>) throws(FileSystemError) -> [CachedBlock] {
    let answer = try files.fetch(bytes(of: slots), of: place)
    return answer.withByteView { answer in
      slots.map { slot in
        let start = Int((slot - slots.lowerBound) * Self.slotBytes)
        let part = answer.dropping(start).prefix(Int(Self.slotBytes))
        let buffer = AlignedBuffer(capacity: part.count)
        buffer.copy(part)
        return CachedBlock(buffer, count: part.count)
      }
    }
  }
}

extension BlockCache {
  /// Keeps a slot in memory for those who come next; returns the one that is kept. Where another file of the
  /// number has left one there that is told by its length, that stays and is not taken for this one; whoever reads
  /// checks the rest.
  fileprivate func keep(_ block: CachedBlock, for key: BlockKey) -> CachedBlock {
    let kept = try? self.block(for: key) { () throws(StoreError) in block }
    guard let kept, kept.count == block.count else { return block }
    return kept
  }
}
