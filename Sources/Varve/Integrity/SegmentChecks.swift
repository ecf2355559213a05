import VarveFormat

/// Checks that the parts of a segment agree with each other: what no checksum can tell.
///
/// - keys ascend through all blocks, and stay within the separators of the index
/// - no key is missing from the filter; every tag is its key's
/// - the properties are what the entries add up to
///
/// What is found goes to `findings`; pointers go to `pointers`, for whoever knows the value files.
struct SegmentChecks: SegmentVisitor {
  private(set) var findings: [FormatError] = []
  private(set) var pointers: [PointerUse] = []
  /// Counted from the entries; compared with ``stored`` at the end.
  private(set) var counted = SegmentProperties()
  private(set) var header: FileHeader?
  private(set) var stored: SegmentProperties?
  private(set) var blockCount = 0
  private(set) var blockBytes = 0
  private var storedAt: UInt64 = 0
  private var filter: Filter?
  private var filterAt: UInt64 = 0
  private var lastKey: [UInt8] = []
  private var lastSequence = SequenceNumber.zero
  private var deleteRun: UInt32 = 0
  private var blockNumber: UInt32 = 0
  /// Whether anything was unreadable, so that sums cannot be expected to agree.
  private var isWhole = true

  /// An entry whose value lies in a value file, and where that entry is.
  struct PointerUse {
    var pointer: ValuePointer
    var blockOffset: UInt64
  }

  mutating func damage(_ error: FormatError) {
    findings.append(error)
    isWhole = false
  }

  mutating func visit(header: FileHeader) { self.header = header }

  mutating func visit(footer: SegmentFooter) {}

  mutating func visit(properties: SegmentProperties, in section: SegmentSection) {
    stored = properties
    storedAt = section.offset
  }

  mutating func visit(filter: Filter, in section: SegmentSection) {
    self.filter = filter
    filterAt = section.offset
  }

  mutating func visit(node: IndexNode, at handle: BlockHandle?) {
    if handle != nil, node.firstNumber != blockNumber, isWhole {
      wrong(.blockIndex, "block number", at: node.base)
    }
    do throws(FormatError) { try checkSeparators(node) } catch { damage(error) }
  }

  mutating func visit(
    block: DataBlock, at handle: BlockHandle, item index: Int, of leaf: IndexNode
  ) {
    if handle.number != blockNumber, isWhole {
      wrong(.blockIndex, "block number", at: leaf.base)
    }
    blockNumber = handle.number &+ 1
    blockCount += 1
    blockBytes += block.bytes.count
    counted.count(handle)
    do throws(FormatError) { try checkEntries(of: block, at: handle, index, leaf) } catch {
      damage(error)
    }
  }

  mutating func takePointers() -> [PointerUse] {
    defer { pointers = [] }
    return pointers
  }

  private mutating func wrong(
    _ structure: FormatError.Structure, _ what: String, at offset: UInt64
  ) {
    findings.append(FormatError(structure, .value(what), at: offset))
  }
}

// MARK: - Index

extension SegmentChecks {
  /// Separators ascend, and the numbers searched first are theirs.
  private func checkSeparators(_ node: IndexNode) throws(FormatError) {
    var last: (rest: ByteView, sequence: SequenceNumber?)?
    for index in 0..<node.count {
      let separator = try node.separator(at: index)
      guard try node.sortNumber(at: index) == separator.rest.sortPrefix else {
        throw FormatError(.blockIndex, .value("separator number"), at: node.base)
      }
      if let last, Self.order(last, separator) >= 0 {
        throw FormatError(.blockIndex, .order, at: node.base)
      }
      last = separator
    }
  }

  /// A separator without a sequence number stands behind all versions of its key.
  private static func order(
    _ left: (rest: ByteView, sequence: SequenceNumber?),
    _ right: (rest: ByteView, sequence: SequenceNumber?)
  ) -> Int {
    let order = left.rest.compare(right.rest)
    guard order == 0 else { return order }
    let (first, second) = (left.sequence?.rawValue ?? 0, right.sequence?.rawValue ?? 0)
    return first == second ? 0 : first > second ? -1 : 1
  }
}

// MARK: - Entries

extension SegmentChecks {
  private mutating func checkEntries(
    of block: DataBlock, at handle: BlockHandle, _ index: Int, _ leaf: IndexNode
  ) throws(FormatError) {
    let prefix = block.prefix.array
    for position in 0..<block.count {
      let entry = try block.entry(at: position)
      let key = prefix + entry.suffix.array
      try key.withByteView { key throws(FormatError) in
        let view = EntryView(
          key: key, sequence: entry.sequence, kind: entry.kind, expiry: entry.expiry,
          value: entry.value)
        try check(view, block.tag(at: position), handle.offset)
        let item = try leaf.lowerBound(key, entry.sequence)
        let place = try block.lowerBound(key, entry.sequence)
        guard item == index, place == position else { throw FormatError(.blockIndex, .value("separator"), at: leaf.base) }
      }
      lastKey = key
      lastSequence = entry.sequence
    }
  }

  private mutating func check(
    _ entry: EntryView, _ tag: UInt8?, _ offset: UInt64
  ) throws(FormatError) {
    let isFirst = counted.entryCount == 0
    let order = lastKey.withByteView { entry.key.compare($0) }
    guard isFirst || order > 0 || order == 0 && entry.sequence < lastSequence else {
      throw FormatError(.dataBlock, .order, at: offset)
    }
    guard entry.key.count >= Limits.keyspacePrefixBytes else {
      throw FormatError(.dataBlock, .value("key length"), at: offset)
    }
    let isNewKey = isFirst || order != 0
    let hash = XXH64.hash(of: entry.key)
    if tag != UInt8(truncatingIfNeeded: hash >> 56) { wrong(.dataBlock, "key tag", at: offset) }
    if isNewKey, let filter, !filter.mayContain(hash) {
      wrong(.filter, "filter, which denies a key that is there,", at: filterAt)
    }
    count(entry, isNewKey)
    if entry.kind == .pointer {
      let pointer = try ValuePointer(decoding: entry.value, at: offset)
      pointers.append(PointerUse(pointer: pointer, blockOffset: offset))
    }
  }

  private mutating func count(_ entry: EntryView, _ isNewKey: Bool) {
    if counted.entryCount == 0 { counted.smallestKey = entry.key.array }
    counted.count(entry, isNewKey: isNewKey)
    deleteRun = entry.kind == .delete ? deleteRun &+ 1 : 0
    counted.longestDeleteRun = max(counted.longestDeleteRun, deleteRun)
  }
}

// MARK: - Sums

extension SegmentChecks {
  /// Compares what was counted with what the properties say; only where everything was readable.
  mutating func finish() {
    guard isWhole, let stored else { return }
    counted.largestKey = lastKey
    counted.valueReferences = stored.valueReferences
    let pairs: [(String, Bool)] = [
      ("entry count", stored.entryCount == counted.entryCount),
      ("delete count", stored.deleteCount == counted.deleteCount),
      ("pointer count", stored.pointerCount == counted.pointerCount),
      ("key count", stored.keyCount == counted.keyCount),
      ("raw bytes", stored.rawBytes == counted.rawBytes),
      ("block count", stored.blockCount == counted.blockCount),
      ("blocks by codec", stored.codecBlocks == counted.codecBlocks),
      (
        "sequence range",
        stored.smallestSequence == counted.smallestSequence
          && stored.largestSequence == counted.largestSequence
      ),
      (
        "expiry range",
        stored.earliestExpiry == counted.earliestExpiry
          && stored.latestExpiry == counted.latestExpiry
      ),
      (
        "key range",
        stored.smallestKey == counted.smallestKey
          && stored.largestKey == counted.largestKey
      ),
      ("delete run", stored.longestDeleteRun == counted.longestDeleteRun),
    ]
    for (what, agrees) in pairs where !agrees { wrong(.properties, what, at: storedAt) }
    if let filter, filter.keyCount != counted.keyCount { wrong(.filter, "key count", at: filterAt) }
  }
}
