// A data block, uncompressed: entries made to be searched where they lie. Spec: segment.md.
//
//   header | n tags | n slots | shared key prefix | entry 0 | entry 1 | ...
//
//  0  entry count          u16, n, at least 1
//  2  shared prefix length u16, p; zero where n is 1
//  4  alignment            u8, log2 of what the offset of every value in the block is a multiple of
//  5  sequence width       u8, w: bytes of a sequence number in an entry, 0...7
//  6  key width            u8, k: bytes of a key length, 1...3
//  7  value width          u8, v: bytes of a value length, 1...4
//  8  base sequence        u64, added to every sequence number in the block
// 16  tags                 n bytes, the top byte of each key's XXH64
//     slots                n x u32, head * 65,536 + offset: the head is the suffix's first two bytes
//                          as a big-endian number, the offset is the entry's from the block's start
//     shared key prefix    p bytes
//     entries
//
// An entry: u8 kind | 0x10 with expiry, w bytes sequence - base, k bytes suffix length, v bytes
// value length, [u64 expiry], key suffix, zeros to the alignment (none before an empty value), value.
//
// Tags and slots stand at places that follow from n alone, which the index knows too: a reader can
// ask for all of their cache lines before the header has arrived.

/// One decoded entry of a block. Its key is the block's shared prefix followed by `suffix`.
package struct BlockEntry: Sendable {
  package var suffix: ByteView
  package var sequence: SequenceNumber
  package var kind: EntryKind
  package var expiry: ExpiryTime
  package var value: ByteView

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
  package func compare(suffix rest: ByteView, sequence other: SequenceNumber) -> Int {
    let order = suffix.compare(rest)
    guard order == 0 else { return order }
    return sequence == other ? 0 : sequence > other ? -1 : 1
  }
}

/// Where the numbers of an entry stand in its first eight bytes, as shifts and masks.
struct EntryLayout {
  let headerByteCount: Int
  let deltaMask: UInt64
  let suffixShift: UInt64
  let suffixMask: UInt64
  let valueShift: UInt64
  let valueMask: UInt64
  /// One less than what the offsets of values are multiples of.
  let alignmentMask: Int

  /// - Parameters: the widths and the alignment of a block, each as its header may state it.
  @inline(__always)
  init(
    _ sequenceWidth: UInt8, _ keyWidth: UInt8, _ valueWidth: UInt8, alignmentShift: UInt8
  ) {
    alignmentMask = (1 &<< Int(alignmentShift)) &- 1
    let (sequence, key, value) = (UInt64(sequenceWidth), UInt64(keyWidth), UInt64(valueWidth))
    headerByteCount = Int(1 &+ sequence &+ key &+ value)
    deltaMask = (1 &<< (8 &* sequence)) &- 1
    suffixShift = 8 &+ 8 &* sequence
    suffixMask = (1 &<< (8 &* key)) &- 1
    valueShift = 8 &+ 8 &* (sequence &+ key)
    valueMask = (1 &<< (8 &* value)) &- 1
  }

  /// Where a value of `count` bytes begins when what stands before it ends at `end`.
  @inline(__always)
  func valueStart(after end: Int, _ count: Int) -> Int {
    count == 0 ? end : (end &+ alignmentMask) & ~alignmentMask
  }
}

/// A view of an uncompressed data block. Making one costs a few loads; nothing is decoded ahead.
///
/// Every number is checked when it is used: a hostile block behind a valid checksum gives an error
/// or wrong entries, but never a read outside of `bytes` and never a walk without end.
package struct DataBlock: Sendable {
  package static let headerByteCount = 16
  static let expiryFlag: UInt8 = 0x10

  package let bytes: ByteView
  /// How many entries there are: at least one.
  package let count: Int
  /// What all keys of the block begin with.
  package let prefix: ByteView
  /// The alignment of values within the block, in bytes.
  package var alignment: Int { 1 << Int(alignmentShift) }

  private let baseSequence: UInt64
  let slotsAt: Int
  private let entriesAt: Int
  /// The block's offset in its file.
  private let base: UInt64
  /// 1 where positions in `bytes` are positions in the file; 0 where the block was compressed and
  /// errors can only name the block.
  private let errorScale: UInt64
  private let alignmentShift: UInt8
  private let sequenceWidth: UInt8
  private let keyWidth: UInt8
  private let valueWidth: UInt8

  /// Views `bytes`, the uncompressed block that `handle` stands for.
  @inline(__always)
  package init(decoding bytes: ByteView, _ handle: BlockHandle) throws(FormatError) {
    try self.init(decoding: bytes, at: handle.offset, isStoredRaw: handle.codec == .none)
    guard count == Int(handle.itemCount) else {
      throw FormatError(.dataBlock, .value("entry count"), at: handle.offset)
    }
    // Only then are values aligned in the mapping as they are in the block.
    let unaligned = handle.offset & (1 &<< UInt64(alignmentShift) &- 1)
    guard handle.codec != .none || unaligned == 0 else {
      throw FormatError(.dataBlock, .value("alignment"), at: handle.offset)
    }
  }

  /// Views `bytes`, a whole uncompressed block that is stored (raw or compressed) at `base`.
  @inline(__always)
  package init(
    decoding bytes: ByteView, at base: UInt64, isStoredRaw: Bool = true
  ) throws(FormatError) {
    self.bytes = bytes
    self.base = base
    errorScale = isStoredRaw ? 1 : 0
    guard let shape = bytes.uint64(at: 0), let baseSequence = bytes.uint64(at: 8) else {
      throw FormatError(.dataBlock, .truncated, at: base)
    }
    self.baseSequence = baseSequence
    count = Int(truncatingIfNeeded: shape & 0xffff)
    let prefixCount = Int(truncatingIfNeeded: shape >> 16 & 0xffff)
    alignmentShift = UInt8(truncatingIfNeeded: shape >> 32)
    sequenceWidth = UInt8(truncatingIfNeeded: shape >> 40)
    keyWidth = UInt8(truncatingIfNeeded: shape >> 48)
    valueWidth = UInt8(truncatingIfNeeded: shape >> 56)
    slotsAt = Self.headerByteCount &+ count
    let prefixAt = slotsAt &+ 4 &* count
    guard let prefix = bytes.part(at: prefixAt, count: prefixCount) else {
      throw FormatError(.dataBlock, .truncated, at: base)
    }
    self.prefix = prefix
    entriesAt = prefixAt &+ prefixCount
    try checkHeader()
  }

  /// A block that holds nothing; no file has one.
  init() {
    bytes = .empty
    count = 0
    prefix = .empty
    (baseSequence, slotsAt, entriesAt, base, errorScale) = (0, 0, 0, 0, 0)
    (alignmentShift, sequenceWidth, keyWidth, valueWidth) = (0, 0, 0, 0)
  }

  @inline(__always)
  private func checkHeader() throws(FormatError) {
    guard count >= 1 else { throw error(.value("entry count"), at: 0) }
    guard count > 1 || prefix.isEmpty else { throw error(.value("shared prefix length"), at: 2) }
    guard alignmentShift <= Limits.alignmentShift else {
      throw error(.value("alignment"), at: 4)
    }
    guard sequenceWidth <= 7 else { throw error(.value("sequence width"), at: 5) }
    guard 1...3 ~= keyWidth else { throw error(.value("key width"), at: 6) }
    guard 1...4 ~= valueWidth else { throw error(.value("value width"), at: 7) }
    guard 1...SequenceNumber.max.rawValue ~= baseSequence else {
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
    try entry(at: index, layout)
  }

  /// ``entry(at:)`` for those who know the block's layout.
  @inline(__always)
  func entry(at index: Int, _ layout: EntryLayout) throws(FormatError) -> BlockEntry {
    let start = Int(try slot(at: index) & 0xffff)
    guard start >= entriesAt, let flags = bytes.byte(at: start) else {
      throw error(.limit("entry offset"), at: slotsAt &+ 4 &* index)
    }
    guard let kind = Self.kind(flags & ~Self.expiryFlag) else {
      throw error(.value("entry kind"), at: start)
    }
    let numbers = try numbers(at: start, layout)
    var at = start &+ layout.headerByteCount
    var expiry: ExpiryTime = 0
    if flags & Self.expiryFlag != 0 { expiry = try number(&at, 8) }
    // Widths bound the lengths to 2^32, so that sums of a few of them cannot overflow.
    guard let suffix = bytes.part(at: at, count: numbers.suffixCount),
      let value = bytes.part(
        at: layout.valueStart(after: at &+ numbers.suffixCount, numbers.valueCount),
        count: numbers.valueCount)
    else { throw error(.truncated, at: at) }
    try check(numbers.delta, numbers.suffixCount, kind, numbers.valueCount, at: start)
    return BlockEntry(
      suffix: suffix, sequence: SequenceNumber(baseSequence &+ numbers.delta), kind: kind,
      expiry: expiry, value: value)
  }

  /// The kinds that entries of a block have; spelled out, for each step of a scan asks.
  @inline(__always)
  private static func kind(_ number: UInt8) -> EntryKind? {
    switch number {
    case EntryKind.put.rawValue: .put
    case EntryKind.delete.rawValue: .delete
    case EntryKind.pointer.rawValue: .pointer
    default: nil
    }
  }

  /// Entry `index`, which is one of `0..<count`, if it is a value without an expiry, not newer than
  /// `limit`, and nothing is wrong with it; nil too where its numbers take more than a word. The same
  /// checks as ``entry(at:)`` makes, in the least number of steps.
  @inline(__always)
  func plainEntry(
    at index: Int, _ layout: EntryLayout, notAbove limit: SequenceNumber
  ) -> BlockEntry? {
    let start = Int(knownSlot(at: index) & 0xffff)
    guard start >= entriesAt, layout.headerByteCount <= 8, let word = bytes.uint64(at: start) else {
      return nil
    }
    let isPointer = word & 0xff == UInt64(EntryKind.pointer.rawValue)
    guard isPointer || word & 0xff == UInt64(EntryKind.put.rawValue) else { return nil }
    let sequence = SequenceNumber(baseSequence &+ (word &>> 8 & layout.deltaMask))
    let suffixCount = Int(word &>> layout.suffixShift & layout.suffixMask)
    let valueCount = Int(word &>> layout.valueShift & layout.valueMask)
    let suffixAt = start &+ layout.headerByteCount
    let valueAt = layout.valueStart(after: suffixAt &+ suffixCount, valueCount)
    // Widths bound the lengths to 2^32, and all that comes before the value ends before it.
    guard valueAt &+ valueCount <= bytes.count, sequence <= limit,
      prefix.count &+ suffixCount <= Limits.engineKeyBytes,
      isPointer ? valueCount == ValuePointer.byteCount : valueCount <= Limits.valueBytes
    else { return nil }
    return unsafe BlockEntry(
      suffix: ByteView(unsafeStart: bytes.start + suffixAt, count: suffixCount),
      sequence: sequence, kind: isPointer ? .pointer : .put, expiry: 0,
      value: ByteView(unsafeStart: bytes.start + valueAt, count: valueCount))
  }

  /// The suffix of entry `index`, which is one of `0..<count`, if it is one without an expiry and lies in the
  /// block; nothing else of it is looked at.
  @inline(__always)
  func plainSuffix(at index: Int, _ layout: EntryLayout) -> ByteView? {
    let start = Int(knownSlot(at: index) & 0xffff)
    guard start >= entriesAt, layout.headerByteCount <= 8, let word = bytes.uint64(at: start),
      word & UInt64(Self.expiryFlag) == 0
    else { return nil }
    return bytes.part(
      at: start &+ layout.headerByteCount,
      count: Int(word &>> layout.suffixShift & layout.suffixMask))
  }

  /// ``ByteView/sortPrefix`` of a suffix that lies in the block: one load where eight bytes are there, of
  /// which those behind the suffix are masked away.
  @inline(__always)
  func sortPrefix(of suffix: ByteView) -> UInt64 {
    let start = unsafe suffix.start - bytes.start
    guard suffix.count < 8, let word = bytes.uint64(at: start) else { return suffix.sortPrefix }
    return word.byteSwapped & ~(UInt64.max &>> (8 &* UInt64(suffix.count)))
  }

  /// The numbers behind the flags of an entry that begins at `start`.
  @inline(__always)
  private func numbers(
    at start: Int, _ layout: EntryLayout
  ) throws(FormatError) -> (delta: UInt64, suffixCount: Int, valueCount: Int) {
    // One load for all where they and the flags take eight bytes at most, and eight are there.
    if layout.headerByteCount <= 8, let word = bytes.uint64(at: start) {
      return (
        word &>> 8 & layout.deltaMask, Int(word &>> layout.suffixShift & layout.suffixMask),
        Int(word &>> layout.valueShift & layout.valueMask)
      )
    }
    var at = start &+ 1
    return (
      try number(&at, sequenceWidth), Int(try number(&at, keyWidth)),
      Int(try number(&at, valueWidth))
    )
  }

  /// Where in an entry its numbers stand.
  @inline(__always)
  var layout: EntryLayout {
    EntryLayout(sequenceWidth, keyWidth, valueWidth, alignmentShift: alignmentShift)
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

  /// Head and offset of entry `index`: slots ascend as numbers.
  @inline(__always)
  package func slot(at index: Int) throws(FormatError) -> UInt32 {
    guard index >= 0, index < count, let slot = bytes.uint32(at: slotsAt &+ 4 &* index) else {
      throw error(.truncated, at: slotsAt)
    }
    return slot
  }

  /// Slot `index`, which is one of `0..<count`: all of them were found to lie in the block.
  @inline(__always)
  func knownSlot(at index: Int) -> UInt32 {
    return unsafe UInt32(
      littleEndian: bytes.start.loadUnaligned(
        fromByteOffset: slotsAt &+ 4 &* index, as: UInt32.self))
  }

  /// What a slot keeps of a suffix: its first two bytes as a number, zeros where it is shorter.
  package static func head(of suffix: ByteView) -> UInt32 {
    UInt32(suffix.byte(at: 0) ?? 0) << 8 | UInt32(suffix.byte(at: 1) ?? 0)
  }

  /// The tag of entry `index`.
  package func tag(at index: Int) -> UInt8? {
    index >= 0 && index < count ? bytes.byte(at: Self.headerByteCount &+ index) : nil
  }

  /// How many bytes of a block with `count` entries a search reads before it knows the entry.
  package static func searchedByteCount(_ count: Int) -> Int { headerByteCount &+ 5 &* count }
}
