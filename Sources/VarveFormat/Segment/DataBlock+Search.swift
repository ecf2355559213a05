// Two ways to find an entry in a block. A point read scans the tags, one byte a key, eight at a time,
// and compares only the keys whose tag agrees (one in 256 by chance). A seek needs the order: it
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
  package func find(
    _ key: ByteView, tag: UInt8, at limit: SequenceNumber
  ) throws(FormatError) -> BlockEntry? {
    guard key.starts(with: prefix) else { return nil }
    let rest = key.dropping(prefix.count)
    var first = 0
    while first < count {
      var matches = tagMatches(tag, from: first)
      while matches != 0 {
        let index = first &+ matches.trailingZeroBitCount / 8
        guard index < count else { return nil }
        prefetchEntry(at: index, 192)
        let entry = try entry(at: index)
        // Versions of one key stand newest first, so the first one low enough is the one.
        if entry.sequence <= limit, entry.suffix == rest { return entry }
        matches &= matches &- 1
      }
      first &+= 8
    }
    return nil
  }

  /// A word with the top bit set of each byte whose tag, from `first` on, may equal `tag`.
  ///
  /// x has a zero byte where a tag agrees; (x - 1) & ~x has the top bit set there. Above a true match
  /// a borrow can mark a false one, which costs one more comparison of keys.
  @inline(__always)
  private func tagMatches(_ tag: UInt8, from first: Int) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let x = tagWord(from: first) ^ (ones &* UInt64(tag))
    return (x &- ones) & ~x & (ones << 7)
  }

  /// Eight tags from `first` on; what lies beyond the last tag is whatever follows it.
  @inline(__always)
  private func tagWord(from first: Int) -> UInt64 {
    if let word = bytes.uint64(at: Self.headerByteCount &+ first) { return word }
    var word: UInt64 = 0
    for index in 0..<8 {
      word |=
        UInt64(bytes.byte(at: Self.headerByteCount &+ first &+ index) ?? 0) << UInt64(8 &* index)
    }
    return word
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
    var isNear = false
    while true {
      if !isNear, high &- low <= Self.nearCount {
        // Every probe waits for memory, one after the other; asked for together they come together.
        isNear = true
        for index in low..<high { prefetchEntry(at: index) }
        if isWalkBegin, low < count { prefetchEntry(at: low, 1024) }
      }
      guard low < high else { return low }
      let middle = (low &+ high) / 2
      let probe = try entry(at: middle, layout)
      let probed = probe.suffix.sortPrefix
      let isBefore =
        probed != number ? probed < number : probe.compare(suffix: rest, sequence: sequence) < 0
      if isBefore {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
  }

  /// Among so many entries those are all asked for that a bisection may look at.
  private static var nearCount: Int { 12 }

  private func prefetchEntry(at index: Int, _ count: Int = 1) {
    bytes.dropping(Int(knownSlot(at: index) & 0xffff)).prefetch(count)
  }

  /// The first slot from `start` on that is not below `slot`; steps without branches that depend on
  /// what is found.
  private func firstSlot(notBelow slot: UInt32, from start: Int) -> Int {
    var low = start
    var left = count &- start
    while left > 0 {
      let half = left / 2
      let isBelow = knownSlot(at: low &+ half) < slot
      low = isBelow ? low &+ half &+ 1 : low
      left = isBelow ? left &- half &- 1 : half
    }
    return low
  }
}
