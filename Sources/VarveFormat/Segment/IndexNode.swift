// A node of the two-level block index. A leaf lists data blocks, the top node lists leaves; both look
// the same. Each item has a separator: a key at or after everything in the item and before everything
// in the next. Spec: segment.md.
//
//   header | n numbers, ascending: the separators' first eight bytes | n items | shared prefix | heap
//
//  0  item count            u32, n, at least 1
//  4  heap length           u32, h
//  8  shared prefix length  u16, p
// 10  level                 u8, 0 a leaf, 1 the top
// 11  reserved              u8, zero
// 12  first block's number  u32, counted from 0 through the segment
// 16  numbers               n x u64: after the shared prefix, eight bytes as a big-endian number
//     items                 n x 32 bytes, see BlockHandle
//     shared prefix         p bytes
//     heap                  h bytes: what follows the shared prefix in each separator

import CVarveShims

/// A view of an index node: making one checks the outline, items are checked when used.
package struct IndexNode: Sendable {
  package static let headerByteCount = 16

  package enum Level: UInt8, Sendable {
    case leaf = 0
    case top = 1
  }

  package let bytes: ByteView
  /// The node's offset in its file.
  package let base: UInt64
  package let level: Level
  package let count: Int
  /// The number of the first data block below this node.
  package let firstNumber: UInt32
  /// What all separators begin with.
  package let prefix: ByteView
  private let heap: ByteView
  private let itemsAt: Int

  package init(decoding bytes: ByteView, _ level: Level, at base: UInt64) throws(FormatError) {
    self.bytes = bytes
    self.base = base
    self.level = level
    var reader = ByteReader(bytes, .blockIndex, at: base)
    let count = Int(try reader.uint32())
    let heapCount = Int(try reader.uint32())
    let prefixCount = Int(try reader.uint16())
    guard count >= 1 else { throw FormatError(.blockIndex, .value("item count"), at: base) }
    guard try reader.uint8() == level.rawValue else {
      throw FormatError(.blockIndex, .value("level"), at: base &+ 10)
    }
    try reader.zeros(1, "reserved byte")
    firstNumber = try reader.uint32()
    // Counts are below 2^32, so these products cannot overflow.
    _ = try reader.view(8 &* count)
    itemsAt = reader.position
    _ = try reader.view(BlockHandle.byteCount &* count)
    prefix = try reader.view(prefixCount)
    heap = try reader.view(heapCount)
    try reader.end()
    self.count = count
  }

  /// An error at a field of an item; at the first or last one for an index outside.
  private func error(_ fault: FormatError.Fault, atItem index: Int, _ field: Int) -> FormatError {
    let item = max(0, min(index, count &- 1))
    return FormatError(
      .blockIndex, fault,
      at: base &+ UInt64(itemsAt &+ BlockHandle.byteCount &* item &+ field))
  }
}

// MARK: - Items

extension IndexNode {
  /// The handle of item `index`.
  package func handle(at index: Int) throws(FormatError) -> BlockHandle {
    guard index >= 0, index < count else { throw error(.truncated, atItem: index, 0) }
    let at = itemsAt &+ BlockHandle.byteCount &* index
    let kinds = known(at &+ 20, as: UInt32.self)
    guard let codec = Codec(rawValue: UInt8(truncatingIfNeeded: kinds)) else {
      throw error(.value("codec"), atItem: index, 20)
    }
    guard kinds & 0xfe00 == 0 else { throw error(.value("flags"), atItem: index, 21) }
    let itemCount = UInt16(truncatingIfNeeded: kinds &>> 16)
    guard itemCount >= 1 else { throw error(.value("item count"), atItem: index, 22) }
    let handle = BlockHandle(
      offset: known(at, as: UInt64.self), storedCount: known(at &+ 8, as: UInt32.self),
      fullCount: known(at &+ 12, as: UInt32.self), checksum: known(at &+ 16, as: UInt32.self),
      codec: codec, itemCount: itemCount, number: known(at &+ 28, as: UInt32.self))
    try check(handle, index)
    return handle
  }

  /// The little-endian number at `offset` of the numbers and items, all of which lie inside: that was
  /// checked when the node was made.
  @inline(__always)
  private func known<Number: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, as type: Number.Type
  ) -> Number {
    unsafe Number(littleEndian: bytes.start.loadUnaligned(fromByteOffset: offset, as: type))
  }

  /// What can be said of a handle's numbers without knowing the file.
  private func check(_ handle: BlockHandle, _ index: Int) throws(FormatError) {
    guard handle.offset <= UInt64(Int64.max) else {
      throw error(.limit("offset"), atItem: index, 0)
    }
    guard level == .top || handle.number == firstNumber &+ UInt32(truncatingIfNeeded: index) else {
      throw error(.value("block number"), atItem: index, 28)
    }
    if handle.codec != .none {
      try checkCompressed(handle, index)
    } else {
      guard handle.storedCount == handle.fullCount else {
        throw error(.limit("stored length"), atItem: index, 8)
      }
    }
    let limit =
      level == .top
      ? Limits.indexLeafBytes
      : handle.itemCount == 1 ? Limits.loneBlockBytes : Limits.blockBytes
    guard handle.fullCount <= limit else { throw error(.limit("full length"), atItem: index, 12) }
  }

  /// Throws unless the leaves below this top node count their blocks up from 0: no two blocks have one number, by
  /// which whoever checked a block knows it again.
  package func checkNumbers() throws(FormatError) {
    var next: UInt64 = 0
    for index in 0..<count {
      let leaf = try handle(at: index)
      guard UInt64(leaf.number) == next else {
        throw error(.value("block number"), atItem: index, 28)
      }
      next += UInt64(leaf.itemCount)
      // Behind the largest number they would begin again at 0.
      guard next <= 1 << 32 else { throw error(.value("block number"), atItem: index, 28) }
    }
  }

  private func checkCompressed(_ handle: BlockHandle, _ index: Int) throws(FormatError) {
    guard level == .leaf else { throw error(.value("codec"), atItem: index, 20) }
    guard handle.storedCount <= handle.fullCount else {
      throw error(.limit("stored length"), atItem: index, 8)
    }
    // No codec makes more out of a byte, so that a lie cannot make a reader take much memory.
    let expansion: UInt64 = handle.codec == .lz4 ? 255 : 32_768
    guard UInt64(handle.fullCount) <= UInt64(handle.storedCount) &* expansion else {
      throw error(.limit("full length"), atItem: index, 12)
    }
  }

  /// The separator of item `index` without the shared prefix, and the sequence number that ends it
  /// where versions of one key lie on both sides.
  package func separator(
    at index: Int
  ) throws(FormatError) -> (rest: ByteView, sequence: SequenceNumber?) {
    let start = index == 0 ? 0 : Int(try separatorEnd(at: index &- 1))
    let end = Int(try separatorEnd(at: index))
    guard let part = heap.part(at: start, count: end &- start) else {
      throw error(.limit("separator end"), atItem: index, 24)
    }
    let flagsAt = itemsAt &+ BlockHandle.byteCount &* index &+ 21
    guard bytes.byte(at: flagsAt).map({ $0 & 1 }) == 1 else { return (part, nil) }
    guard let sequence = part.uint64(at: part.count &- 8),
      sequence <= SequenceNumber.max.rawValue
    else { throw error(.value("separator"), atItem: index, 24) }
    return (part.prefix(part.count &- 8), SequenceNumber(sequence))
  }

  private func separatorEnd(at index: Int) throws(FormatError) -> UInt32 {
    guard index >= 0, index < count,
      let end = bytes.uint32(at: itemsAt &+ BlockHandle.byteCount &* index &+ 24)
    else { throw error(.truncated, atItem: index, 24) }
    return end
  }

  /// The first eight bytes of the separator after the shared prefix, as a number.
  package func sortNumber(at index: Int) throws(FormatError) -> UInt64 {
    guard index >= 0, index < count,
      let number = bytes.uint64(at: Self.headerByteCount &+ 8 &* index)
    else { throw error(.truncated, atItem: index, 0) }
    return number
  }
}

// MARK: - Searching

extension IndexNode {
  /// Begins to bring near what a search looks at: all of a small node, so that the handle it finds is
  /// not waited for once more, and of a large one the numbers.
  package func prefetch() {
    if bytes.count <= Self.smallByteCount { return bytes.prefetch(bytes.count) }
    prefix.prefetch(1)
    bytes.prefetch(min(640, Self.headerByteCount &+ 8 &* count))
  }

  /// Lines of memory that a processor fetches beside each other.
  private static var smallByteCount: Int { 18 * 64 }

  /// The first item whose separator is at or after (`key`, `sequence`): the only one that can hold
  /// that version or the newest one below it. `count` where all separators are smaller.
  package func lowerBound(
    _ key: ByteView, _ sequence: SequenceNumber
  ) throws(FormatError) -> Int {
    guard key.starts(with: prefix) else {
      return key.prefix(prefix.count).compare(prefix) < 0 ? 0 : count
    }
    let rest = key.dropping(prefix.count)
    let target = rest.sortPrefix
    var low = firstNumber(notBelow: target)
    // Whole separators are compared only among those that begin with the same eight bytes.
    var high = low
    if low < count, known(Self.headerByteCount &+ 8 &* low, as: UInt64.self) == target {
      high = target == .max ? count : firstNumber(notBelow: target &+ 1)
    }
    while low < high {
      let middle = (low &+ high) / 2
      if try isSeparator(at: middle, before: rest, sequence) {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
    return low
  }

  /// The first item whose number is not below `target`. All numbers lie inside: that was checked when
  /// the node was made.
  @inline(__always)
  private func firstNumber(notBelow target: UInt64) -> Int {
    unsafe Int(varve_count_below_64(bytes.start + Self.headerByteCount, count, target))
  }

  private func isSeparator(
    at index: Int, before rest: ByteView, _ sequence: SequenceNumber
  ) throws(FormatError) -> Bool {
    let separator = try separator(at: index)
    let order = separator.rest.compare(rest)
    guard order == 0 else { return order < 0 }
    // Without a sequence number a separator stands behind all versions of its key.
    guard let boundary = separator.sequence else { return false }
    return boundary > sequence
  }
}
