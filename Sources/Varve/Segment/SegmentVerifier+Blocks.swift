import VarveFormat
import VarvePlatform

// Leaf by leaf, block by block, entry by entry.

extension SegmentVerifier {
  func checkLeaves(
    _ top: IndexNode, _ section: SegmentSection, _ data: SegmentSection
  ) {
    var place = BlockPlace(behind: data.offset)
    var leafEnd = section.offset
    for index in 0..<top.count where !isStopped {
      guard let handle = decode({ () throws(FormatError) in try top.handle(at: index) }) else {
        place.forget()
        continue
      }
      guard handle.offset >= leafEnd, handle.offset <= section.end, handle.end <= section.end
      else {
        found(.blockIndex, .order, at: top.base)
        place.forget()
        continue
      }
      checkZeros(from: leafEnd, to: handle.offset, .blockIndex)
      leafEnd = handle.end
      let part = SegmentSection(
        .indexLeaves, offset: handle.offset, length: UInt64(handle.storedCount))
      guard let buffer = read(part, .blockIndex, handle.checksum),
        let leaf = decode({ () throws(FormatError) in
          try IndexNode(decoding: buffer.view(), .leaf, at: handle.offset)
        })
      else {
        place.forget()
        continue
      }
      checkOutline(of: leaf, handle, top, index)
      checkBlocks(of: leaf, data, &place)
      withExtendedLifetime(buffer) {}
    }
    guard !isStopped else { return }
    checkZeros(from: leafEnd, to: section.end, .blockIndex)
    if let end = place.end { checkZeros(from: end, to: data.end, .dataBlock) }
  }

  /// The top node must say of a leaf what the leaf says itself.
  private func checkOutline(
    of leaf: IndexNode, _ handle: BlockHandle, _ top: IndexNode, _ index: Int
  ) {
    guard leaf.count == Int(handle.itemCount), leaf.firstNumber == handle.number else {
      return found(.blockIndex, .value("item count"), at: leaf.base)
    }
    let matches = decode { () throws(FormatError) in
      let above = try top.separator(at: index)
      guard try top.sortNumber(at: index) == above.rest.sortPrefix else {
        throw FormatError(.blockIndex, .value("number"), at: top.base)
      }
      let own = try leaf.separator(at: leaf.count - 1)
      return above.sequence == own.sequence
        && top.prefix.array + above.rest.array == leaf.prefix.array + own.rest.array
    }
    if matches == false { found(.blockIndex, .order, at: leaf.base) }
  }

  /// Where the next block should be, as far as that is known.
  private struct BlockPlace {
    private(set) var end: UInt64?
    private(set) var number: UInt32?
    /// Where the last block ended, known or not what follows: no byte is read as part of two blocks, or the
    /// time it takes would grow with the square of a forged file.
    private(set) var first: UInt64

    init(behind offset: UInt64) {
      (end, number, first) = (offset, 0, offset)
    }

    mutating func forget() { (end, number) = (nil, nil) }

    mutating func count(_ number: UInt32) { self.number = number &+ 1 }

    mutating func pass(_ end: UInt64) {
      self.end = end
      first = end
    }
  }

  private func checkBlocks(
    of leaf: IndexNode, _ data: SegmentSection, _ place: inout BlockPlace
  ) {
    for item in 0..<leaf.count where !isStopped {
      guard let handle = decode({ () throws(FormatError) in try leaf.handle(at: item) }) else {
        place.forget()
        continue
      }
      if let number = place.number, number != handle.number {
        found(.blockIndex, .value("block number"), at: leaf.base)
      }
      place.count(handle.number)
      guard handle.offset >= place.first, handle.end <= data.end else {
        found(.blockIndex, .order, at: leaf.base)
        continue
      }
      if let end = place.end { checkZeros(from: end, to: handle.offset, .dataBlock) }
      place.pass(handle.end)
      counter.count(handle)
      checkBlock(handle)
      checkSeparator(of: leaf, item)
    }
  }

  private func checkBlock(_ handle: BlockHandle) {
    let stored = SegmentSection(
      .dataBlocks, offset: handle.offset, length: UInt64(handle.storedCount))
    guard let buffer = read(stored, .dataBlock, handle.checksum) else {
      order.forget()
      return
    }
    let decompressor = decompressor
    let full = decode { () throws(FormatError) in
      try decompressor.decompress(
        buffer.view(), handle.codec, fullCount: Int(handle.fullCount),
        limit: Limits.loneBlockBytes, at: handle.offset)
    }
    guard let full,
      let block = decode({ () throws(FormatError) in
        try DataBlock(
          decoding: full.view(), at: handle.offset, isStoredRaw: handle.codec == .none)
      })
    else {
      order.forget()
      return
    }
    if block.count != Int(handle.itemCount) {
      found(.dataBlock, .value("entry count"), at: handle.offset)
    }
    if handle.codec == .none, handle.offset % UInt64(block.alignment) != 0 {
      found(.dataBlock, .value("alignment"), at: handle.offset)
    }
    checkEntries(of: block, at: handle.offset)
    withExtendedLifetime(full) {}
  }

  private func checkEntries(of block: DataBlock, at offset: UInt64) {
    let prefix = block.prefix.array
    for index in 0..<block.count {
      guard let found = decode({ () throws(FormatError) in try block.entry(at: index) }) else {
        return order.forget()
      }
      let slot = decode { () throws(FormatError) in try block.slot(at: index) } ?? 0
      if slot >> 16 != DataBlock.head(of: found.suffix) {
        self.found(.dataBlock, .value("key head"), at: offset)
      }
      let key = prefix + found.suffix.array
      key.withByteView { key in
        let entry = EntryView(
          key: key, sequence: found.sequence, kind: found.kind, expiry: found.expiry,
          value: found.value)
        check(entry, tag: block.tag(at: index), at: offset)
      }
    }
  }

  private func check(_ entry: EntryView, tag: UInt8?, at offset: UInt64) {
    let isNewKey = order.isNewKey(entry.key)
    if !order.advance(to: entry) { found(.dataBlock, .order, at: offset) }
    let hash = XXH64.hash(of: entry.key)
    if tag != UInt8(truncatingIfNeeded: hash >> 56) {
      found(.dataBlock, .value("key tag"), at: offset)
    }
    if let filter, !filter.mayContain(hash) {
      found(.filter, .value("a key's bits"), at: offset)
    }
    counter.count(entry, isNewKey: isNewKey)
    _ = decode { () throws(FormatError) in
      try checkMeaning(entry, offset)
    }
    guard entry.kind == .pointer,
      let pointer = decode({ () throws(FormatError) in
        try ValuePointer(decoding: entry.value, at: offset)
      })
    else { return }
    counter.count(pointer)
    onPointer(pointer, offset)
  }

  /// The last entry of a block stands at or before its separator, the next one behind it.
  private func checkSeparator(of leaf: IndexNode, _ item: Int) {
    guard
      let separator = decode({ () throws(FormatError) in
        let found = try leaf.separator(at: item)
        guard try leaf.sortNumber(at: item) == found.rest.sortPrefix else {
          throw FormatError(.blockIndex, .value("number"), at: leaf.base)
        }
        return Separator(key: leaf.prefix.array + found.rest.array, sequence: found.sequence)
      })
    else { return }
    if !order.pass(separator) { found(.blockIndex, .order, at: leaf.base) }
  }
}
