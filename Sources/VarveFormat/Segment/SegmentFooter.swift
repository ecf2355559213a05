// The end of a segment: where everything else lies. A reader takes the last 32 bytes first; they say
// how many sections the table before them has.
//
//   section table: 32 bytes each, in the order of their offsets
//    0  type      u16: 1 data blocks, 2 filter, 3 index leaves, 4 index top, 5 properties;
//                 a type with bit 0x8000 may be ignored by a reader who does not know it
//    2  reserved  u16, zero
//    4  checksum  u32, CRC-32C over (segment id, offset, bytes); zero for types 1 and 3, whose
//                 parts have their own
//    8  offset    u64, a multiple of 8 (of 64 for the filter)
//   16  length    u64
//   24  reserved  u64, zero
//
//   tail, the last 32 bytes of the file
//    0  file length    u64
//    8  section count  u32, at most 64
//   12  checksum       u32, CRC-32C over (segment id, the table's offset, the table, the tail with
//                      this field as zero)
//   16  reserved       u64, zero
//   24  magic          "VarveEnd"

/// The table of a segment's sections.
package struct SegmentFooter: Equatable, Sendable {
  package static let tailByteCount = 32
  /// Reading this many bytes from the file's end always includes the whole footer.
  package static let maximumByteCount =
    tailByteCount + Limits.segmentSections * SegmentSection.byteCount
  static let magic: StaticString = "VarveEnd"

  /// In the order of their offsets.
  package var sections: [SegmentSection]

  package init(sections: [SegmentSection]) { self.sections = sections }

  /// The section of a known type, or nil where the segment has none.
  package func section(_ type: SegmentSection.Kind) -> SegmentSection? {
    sections.first { $0.type == type.rawValue }
  }

  /// A section that every segment has: decoding made sure of it.
  package func required(_ type: SegmentSection.Kind) throws(FormatError) -> SegmentSection {
    guard let section = section(type) else {
      throw FormatError(.footer, .value("missing section \(type)"), at: 0)
    }
    return section
  }
}

/// One run of bytes of a segment and what it holds.
@usableFromInline
package struct SegmentSection: Equatable, Sendable {
  package static let byteCount = 32
  static let ignorableBit: UInt16 = 0x8000

  package enum Kind: UInt16, Sendable, CaseIterable {
    case dataBlocks = 1
    case filter = 2
    case indexLeaves = 3
    case indexTop = 4
    case properties = 5

    /// True where the parts carry checksums and the section as a whole has none.
    package var isCheckedInParts: Bool { self == .dataBlocks || self == .indexLeaves }
    var isRequired: Bool { self != .filter }
    package var alignment: UInt64 { self == .filter ? 64 : 8 }
  }

  package var type: UInt16
  package var checksum: UInt32
  @usableFromInline package var offset: UInt64
  @usableFromInline package var length: UInt64

  package init(_ kind: Kind, checksum: UInt32 = 0, offset: UInt64, length: UInt64) {
    type = kind.rawValue
    self.checksum = checksum
    self.offset = offset
    self.length = length
  }

  package var kind: Kind? { Kind(rawValue: type) }

  /// The offset behind the last byte; a decoded section's cannot overflow.
  @inlinable
  package var end: UInt64 { offset &+ length }
}

// MARK: - Encoding

extension SegmentFooter {
  /// The footer's bytes for a file in which it begins at `offset`.
  package func encoded(at offset: UInt64, id: FileID) -> [UInt8] {
    var writer = ByteWriter(reserving: Self.maximumByteCount)
    for section in sections {
      writer.uint16(section.type)
      writer.uint16(0)
      writer.uint32(section.checksum)
      writer.uint64(section.offset)
      writer.uint64(section.length)
      writer.uint64(0)
    }
    let tailAt = writer.count
    writer.uint64(offset + UInt64(tailAt + Self.tailByteCount))
    writer.uint32(UInt32(sections.count))
    writer.uint32(0)
    writer.uint64(0)
    Self.magic.withUTF8Buffer { unsafe writer.append(ByteView(unsafeBuffer: .init($0))) }
    let checksum = writer.bytes.withByteView { CRC32C.checksum(of: $0, in: id, at: offset) }
    writer.patch(uint32: checksum, at: tailAt + 12)
    return writer.bytes
  }

  /// Reads the footer at the end of a file of `fileSize` bytes.
  ///
  /// - Parameter end: the last bytes of the file, ``maximumByteCount`` or all there are.
  package init(decoding end: ByteView, fileSize: UInt64, id: FileID) throws(FormatError) {
    guard UInt64(end.count) <= fileSize, end.count >= Self.tailByteCount else {
      throw FormatError(.footer, .truncated, at: fileSize)
    }
    let tailAt = end.count &- Self.tailByteCount
    let tailOffset = fileSize &- UInt64(Self.tailByteCount)
    let count = try Self.sectionCount(end.dropping(tailAt), at: tailOffset, fileSize: fileSize)
    let tableCount = count &* SegmentSection.byteCount
    guard tableCount <= tailAt,
      let bytes = end.part(at: tailAt &- tableCount, count: tableCount &+ Self.tailByteCount)
    else { throw FormatError(.footer, .limit("section count"), at: tailOffset &+ 8) }
    let base = tailOffset &- UInt64(tableCount)
    try Self.checkSum(of: bytes, at: base, id: id)
    sections = []
    var reader = ByteReader(bytes.prefix(tableCount), .footer, at: base)
    for _ in 0..<count { sections.append(try SegmentSection(&reader)) }
    try check(at: base)
  }

  private static func sectionCount(
    _ tail: ByteView, at offset: UInt64, fileSize: UInt64
  ) throws(FormatError) -> Int {
    var reader = ByteReader(tail, .footer, at: offset)
    let storedSize = try reader.uint64()
    let count = try reader.uint32()
    _ = try reader.uint32()
    let reserved = try reader.uint64()
    let magic = try reader.view(8)
    let expected = unsafe ByteView(unsafeStart: Self.magic.utf8Start, count: 8)
    guard magic == expected else { throw FormatError(.footer, .magic, at: offset &+ 24) }
    guard reserved == 0 else {
      throw FormatError(.footer, .value("reserved bytes"), at: offset &+ 16)
    }
    guard storedSize == fileSize else {
      throw FormatError(.footer, .value("file length"), at: offset)
    }
    guard count <= Limits.segmentSections else {
      throw FormatError(.footer, .limit("section count"), at: offset &+ 8)
    }
    return Int(count)
  }

  private static func checkSum(
    of bytes: ByteView, at base: UInt64, id: FileID
  ) throws(FormatError) {
    let field = bytes.count &- 20
    guard let stored = bytes.uint32(at: field) else {
      throw FormatError(.footer, .truncated, at: base)
    }
    var sum = CRC32C(in: id, at: base)
    sum.append(bytes.prefix(field))
    [0, 0, 0, 0].withByteView { sum.append($0) }
    sum.append(bytes.dropping(field &+ 4))
    guard sum.value == stored else {
      throw FormatError(
        .footer, .checksum(stored: stored, computed: sum.value), at: base &+ UInt64(field))
    }
  }

  /// Sections lie in order between the file header and the footer, each known one once.
  private func check(at base: UInt64) throws(FormatError) {
    var end = UInt64(FileHeader.byteCount)
    var seen: Set<UInt16> = []
    for (index, section) in sections.enumerated() {
      let at = base &+ UInt64(index &* SegmentSection.byteCount)
      guard section.kind != nil || section.type & SegmentSection.ignorableBit != 0 else {
        throw FormatError(.footer, .features(UInt32(section.type)), at: at)
      }
      guard seen.insert(section.type).inserted else {
        throw FormatError(.footer, .value("section type"), at: at)
      }
      guard section.offset >= end, section.offset <= base else {
        throw FormatError(.footer, .limit("section offset"), at: at &+ 8)
      }
      guard section.offset % (section.kind?.alignment ?? 8) == 0 else {
        throw FormatError(.footer, .value("section offset"), at: at &+ 8)
      }
      guard section.length <= base &- section.offset else {
        throw FormatError(.footer, .limit("section length"), at: at &+ 16)
      }
      guard section.checksum == 0 || section.kind?.isCheckedInParts != true else {
        throw FormatError(.footer, .value("section checksum"), at: at &+ 4)
      }
      end = section.end
    }
    for kind in SegmentSection.Kind.allCases
    where kind.isRequired && !seen.contains(kind.rawValue) {
      throw FormatError(.footer, .value("missing section \(kind.rawValue)"), at: base)
    }
    guard base &- (try required(.dataBlocks)).end <= Limits.segmentTailBytes else {
      throw FormatError(.footer, .limit("bytes behind the data blocks"), at: base)
    }
  }
}

extension SegmentSection {
  init(_ reader: inout ByteReader) throws(FormatError) {
    type = try reader.uint16()
    try reader.zeros(2, "reserved bytes")
    checksum = try reader.uint32()
    offset = try reader.uint64()
    length = try reader.uint64()
    try reader.zeros(8, "reserved bytes")
  }
}
