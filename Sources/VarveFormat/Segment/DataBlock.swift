// A data block, uncompressed: entries made to be searched where they lie. Spec: segment.md.
//
//   header | shared key prefix | n tags | n offsets | entry 0 | entry 1 | ...
//
//  0  entry count          u16, n, at least 1
//  2  shared prefix length u16, p; zero where n is 1
//  4  alignment            u8, log2 of what the offset of every value in the block is a multiple of
//  5  sequence width       u8, w: bytes of a sequence number in an entry, 0...7
//  6  key width            u8, k: bytes of a key length, 1...3
//  7  value width          u8, v: bytes of a value length, 1...4
//  8  base sequence        u64, added to every sequence number in the block
// 16  shared key prefix    p bytes
//     tags                 n bytes, the top byte of each key's XXH64
//     offsets              n x u16, where each entry begins, from the start of the block
//     entries
//
// An entry: u8 kind | 0x10 with expiry, w bytes sequence - base, k bytes suffix length, v bytes
// value length, [u64 expiry], key suffix, zeros to the alignment (none before an empty value), value.

/// One decoded entry of a block. Its key is the block's shared prefix followed by `suffix`.
@frozen
@usableFromInline
package struct BlockEntry: Sendable {
  @usableFromInline package var suffix: ByteView
  @usableFromInline package var sequence: SequenceNumber
  @usableFromInline package var kind: EntryKind
  @usableFromInline package var expiry: ExpiryTime
  @usableFromInline package var value: ByteView

  @inlinable
  init(
    suffix: ByteView, sequence: SequenceNumber, kind: EntryKind, expiry: ExpiryTime,
    value: ByteView
  ) {
    self.suffix = suffix
    self.sequence = sequence
    self.kind = kind
    self.expiry = expiry
    self.value = value
  }

  /// In the order of entries, with `rest` being the other key after the shared prefix.
  @inlinable
  package func compare(suffix rest: ByteView, sequence other: SequenceNumber) -> Int {
    let order = suffix.compare(rest)
    guard order == 0 else { return order }
    return sequence == other ? 0 : sequence > other ? -1 : 1
  }
}

/// A view of an uncompressed data block. Making one costs a few loads; nothing is decoded ahead.
///
/// Every number is checked when it is used: a hostile block behind a valid checksum gives an error
/// or wrong entries, but never a read outside of `bytes` and never a walk without end.
@frozen
@usableFromInline
package struct DataBlock: Sendable {
  package static let headerByteCount = 16
  static let expiryFlag: UInt8 = 0x10

  @usableFromInline package let bytes: ByteView
  /// How many entries there are: at least one.
  @usableFromInline package let count: Int
  /// What all keys of the block begin with.
  @usableFromInline package let prefix: ByteView
  /// The alignment of values within the block, in bytes.
  package var alignment: Int { 1 << Int(alignmentShift) }

  @usableFromInline let baseSequence: UInt64
  @usableFromInline let tagsAt: Int
  @usableFromInline let offsetsAt: Int
  @usableFromInline let entriesAt: Int
  /// The block's offset in its file.
  @usableFromInline let base: UInt64
  /// 1 where positions in `bytes` are positions in the file; 0 where the block was compressed and
  /// errors can only name the block.
  @usableFromInline let errorScale: UInt64
  @usableFromInline let alignmentShift: UInt8
  @usableFromInline let sequenceWidth: UInt8
  @usableFromInline let keyWidth: UInt8
  @usableFromInline let valueWidth: UInt8

  /// Views `bytes`, a whole uncompressed block that is stored (raw or compressed) at `base`.
  package init(
    decoding bytes: ByteView, at base: UInt64, isStoredRaw: Bool = true
  ) throws(FormatError) {
    self.bytes = bytes
    self.base = base
    errorScale = isStoredRaw ? 1 : 0
    var reader = ByteReader(bytes, .dataBlock, at: base)
    count = Int(try reader.uint16())
    let prefixCount = Int(try reader.uint16())
    alignmentShift = try reader.uint8()
    sequenceWidth = try reader.uint8()
    keyWidth = try reader.uint8()
    valueWidth = try reader.uint8()
    baseSequence = try reader.uint64()
    prefix = try reader.view(prefixCount)
    tagsAt = reader.position
    offsetsAt = tagsAt &+ count
    entriesAt = offsetsAt &+ 2 &* count
    guard entriesAt <= bytes.count else {
      throw FormatError(.dataBlock, .truncated, at: base &+ UInt64(bytes.count) &* errorScale)
    }
    try checkHeader()
  }

  private func checkHeader() throws(FormatError) {
    guard count >= 1 else { throw error(.value("entry count"), at: 0) }
    guard count > 1 || prefix.isEmpty else { throw error(.value("shared prefix length"), at: 2) }
    guard alignmentShift <= Limits.alignmentShift else {
      throw error(.value("alignment"), at: 4)
    }
    guard sequenceWidth <= 7 else { throw error(.value("sequence width"), at: 5) }
    guard 1...3 ~= keyWidth else { throw error(.value("key width"), at: 6) }
    guard 1...4 ~= valueWidth else { throw error(.value("value width"), at: 7) }
    guard baseSequence <= SequenceNumber.max.rawValue else {
      throw error(.limit("base sequence"), at: 8)
    }
    guard count == 1 || bytes.count <= Limits.blockBytes else {
      throw error(.limit("block length"), at: 0)
    }
  }

  /// An error at a position of the uncompressed block.
  func error(_ fault: FormatError.Fault, at position: Int) -> FormatError {
    FormatError(
      .dataBlock, fault, at: base &+ UInt64(truncatingIfNeeded: position) &* errorScale)
  }
}

// MARK: - Entries

extension DataBlock {
  /// Decodes entry `index`; an index outside of `0..<count` is an error like damage.
  package func entry(at index: Int) throws(FormatError) -> BlockEntry {
    guard index >= 0, index < count, let offset = bytes.uint16(at: offsetsAt &+ 2 &* index),
      let flags = bytes.byte(at: Int(offset)), Int(offset) >= entriesAt
    else { throw error(.truncated, at: offsetsAt &+ 2 &* index) }
    let start = Int(offset)
    guard let kind = EntryKind(rawValue: flags & ~Self.expiryFlag), kind != .rangeDelete else {
      throw error(.value("entry kind"), at: start)
    }
    var at = start &+ 1
    let delta = try number(&at, sequenceWidth)
    let suffixCount = Int(try number(&at, keyWidth))
    let valueCount = Int(try number(&at, valueWidth))
    let expiry = flags & Self.expiryFlag == 0 ? 0 : try number(&at, 8)
    // Widths bound the lengths to 2^32, so that sums of a few of them cannot overflow.
    guard let suffix = bytes.part(at: at, count: suffixCount),
      let value = bytes.part(
        at: valueStart(after: at &+ suffixCount, valueCount), count: valueCount)
    else { throw error(.truncated, at: at) }
    try check(delta, suffixCount, kind, valueCount, at: start)
    return BlockEntry(
      suffix: suffix, sequence: SequenceNumber(baseSequence &+ delta), kind: kind,
      expiry: expiry, value: value)
  }

  /// Where a value of `count` bytes begins when what stands before it ends at `end`.
  @inline(__always)
  private func valueStart(after end: Int, _ count: Int) -> Int {
    let mask = (1 << Int(alignmentShift)) &- 1
    return count == 0 ? end : (end &+ mask) & ~mask
  }

  @inline(__always)
  private func check(
    _ delta: UInt64, _ suffixCount: Int, _ kind: EntryKind, _ valueCount: Int, at start: Int
  ) throws(FormatError) {
    guard delta <= SequenceNumber.max.rawValue &- baseSequence else {
      throw error(.limit("sequence number"), at: start)
    }
    guard prefix.count &+ suffixCount <= Limits.engineKeyBytes else {
      throw error(.limit("key length"), at: start)
    }
    switch kind {
    case .put where valueCount <= Limits.valueBytes: return
    case .delete where valueCount == 0: return
    case .pointer where valueCount == ValuePointer.byteCount: return
    default: throw error(.limit("value length"), at: start)
    }
  }

  /// The little-endian number of `width` bytes (0...8) at `position`, which moves past it.
  @inline(__always)
  private func number(_ position: inout Int, _ width: UInt8) throws(FormatError) -> UInt64 {
    let start = position
    position &+= Int(width)
    if let word = bytes.uint64(at: start) {
      // One load for every width: what lies above the number is masked away.
      return width == 8 ? word : word & ((1 << (UInt64(width) &* 8)) &- 1)
    }
    var value: UInt64 = 0
    var index = 0
    while index < Int(width) {
      guard let byte = bytes.byte(at: start &+ index) else { throw error(.truncated, at: start) }
      value |= UInt64(byte) << UInt64(8 &* index)
      index &+= 1
    }
    return value
  }

  /// The tag of entry `index`.
  package func tag(at index: Int) -> UInt8? {
    index >= 0 && index < count ? bytes.byte(at: tagsAt &+ index) : nil
  }
}
