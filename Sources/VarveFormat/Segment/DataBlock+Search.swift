import CVarveShims

// Two ways to find an entry in a block. A point read scans the tags, one byte a key, sixteen at a
// time, and compares only the keys whose tag agrees (one in 256 by chance). A seek needs the order: it
// bisects over the slots by head, and compares keys only where heads are equal.

extension DataBlock {
  /// ``find(_:tag:at:)`` in a block that is only made for it, which costs no copy of the view.
  package static func find(
    _ key: ByteView, tag: UInt8, at limit: SequenceNumber, in handle: BlockHandle,
    _ bytes: ByteView
  ) throws(FormatError) -> BlockEntry? {
    try DataBlock(decoding: bytes, handle).find(key, tag: tag, at: limit)
  }

  /// The newest version of `key` at or below `limit` in this block, tombstones and pointers too; nil
  /// where it has none.
  ///
  /// - Parameter tag: the top byte of the key's XXH64.
  @inline(__always)
  package func find(
    _ key: ByteView, tag: UInt8, at limit: SequenceNumber
  ) throws(FormatError) -> BlockEntry? {
    guard key.starts(with: prefix) else { return nil }
    let rest = key.dropping(prefix.count)
    let layout = layout
    var first = 0
    while first < count {
      var matches = matches(of: tag, from: first)
      while matches != 0 {
        let index = first &+ matches.trailingZeroBitCount
        guard index < count else { return nil }
        prefetchWholeEntry(at: index)
        let entry =
          if let plain = plainEntry(at: index, layout, notAbove: limit) { plain } else {
            try entry(at: index, layout)
          }
        // Versions of one key stand newest first, so the first one low enough is the one.
        if entry.sequence <= limit, entry.suffix == rest { return entry }
        matches &= matches &- 1
      }
      first &+= 16
    }
    return nil
  }

  /// Which of 16 tags from `first` on equal `tag`, one bit each; what lies beyond the last tag is
  /// whatever follows it.
  @inline(__always)
  private func matches(of tag: UInt8, from first: Int) -> UInt32 {
    let at = Self.headerByteCount &+ first
    if at &+ 16 <= bytes.count { return unsafe varve_equal_bytes(bytes.start + at, tag) }
    return lastMatches(of: tag, from: at)
  }

  /// The same at the end of a block that has fewer than 16 bytes more.
  private func lastMatches(of tag: UInt8, from at: Int) -> UInt32 {
    var found: UInt32 = 0
    for index in 0..<16 where bytes.byte(at: at &+ index) == tag { found |= 1 << UInt32(index) }
    return found
  }

  /// The index of the first entry at or after (`key`, `sequence`); `count` where there is none.
  ///
  /// - Parameter isWalkBegin: whether the entries from there on are read next. They are asked for with
  ///   those that are compared, and not after them.
  package func lowerBound(
    _ key: ByteView, _ sequence: SequenceNumber, isWalkBegin: Bool = false
  ) throws(FormatError) -> Int {
    guard key.starts(with: prefix) else {
      return key.prefix(prefix.count).compare(prefix) < 0 ? 0 : count
    }
    let rest = key.dropping(prefix.count)
    let head = Self.head(of: rest)
    var low = firstSlot(notBelow: head << 16, from: 0)
    var high = head == 0xffff ? count : firstSlot(notBelow: (head &+ 1) << 16, from: low)
    let layout = layout
    let number = rest.sortPrefix
    // Every probe would wait for memory, one after the other; asked for together they come together.
    if high &- low <= Self.nearCount { for index in low..<high { prefetchEntry(at: index) } }
    if isWalkBegin, low < count { prefetchEntry(at: low, 1024) }
    while low < high {
      let middle = (low &+ high) / 2
      if try isEntry(at: middle, layout, before: rest, number, sequence) {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
    return low
  }

  /// Whether entry `index` comes before the key that ends in `rest`, with `number` being what that begins
  /// with, at `sequence`. Of the entry its suffix is enough, unless that is the same.
  @inline(__always)
  private func isEntry(
    at index: Int, _ layout: EntryLayout, before rest: ByteView, _ number: UInt64,
    _ sequence: SequenceNumber
  ) throws(FormatError) -> Bool {
    if let suffix = plainSuffix(at: index, layout) {
      let probed = sortPrefix(of: suffix)
      if probed != number { return probed < number }
    }
    return try entry(at: index, layout).compare(suffix: rest, sequence: sequence) < 0
  }

  /// So many entries are asked for before any is looked at.
  private static var nearCount: Int { 12 }

  @inline(__always)
  private func prefetchEntry(at index: Int) {
    // Wherever that is, in a damaged block: to ask for memory is harmless.
    unsafe varve_prefetch(bytes.start + Int(knownSlot(at: index) & 0xffff))
  }

  /// The same for an entry whose value is read next: three lines of memory.
  @inline(__always)
  private func prefetchWholeEntry(at index: Int) {
    let start = unsafe bytes.start + Int(knownSlot(at: index) & 0xffff)
    unsafe varve_prefetch(start)
    unsafe varve_prefetch(start + 64)
    unsafe varve_prefetch(start + 128)
  }

  private func prefetchEntry(at index: Int, _ count: Int) {
    bytes.dropping(Int(knownSlot(at: index) & 0xffff)).prefetch(count)
  }

  /// The first slot from `start` on that is not below `slot`: all of them were found to lie in the block.
  @inline(__always)
  private func firstSlot(notBelow slot: UInt32, from start: Int) -> Int {
    let slots = unsafe bytes.start + (slotsAt &+ 4 &* start)
    return unsafe start &+ Int(varve_count_below_32(slots, count &- start, slot))
  }
}
