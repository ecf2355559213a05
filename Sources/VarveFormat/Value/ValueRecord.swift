/// The header of one record of a value file. Spec: value-file.md, "Record".
///
/// ```
///  0  type             u8    1 value, 2 gap, 3 end
///  1  codec            u8    of a value; else zero
///  2  alignment        u8    of a value: log2, 3...12; else zero
///  3  reserved         u8    zero
///  4  value checksum   u32   CRC-32C over (identity, offset of the value, stored bytes); else zero
///  8  first number     u64   value: stored length; gap: bytes behind the header; end: values
/// 16  second number    u64   value: full length;   gap: zero;                    end: stored bytes
/// 24  reserved         u32   zero
/// 28  header checksum  u32   CRC-32C over (identity, offset of the header, bytes 0..<28)
/// ```
///
/// The stored value follows at once. The record is placed so that the value, not the header, is
/// aligned.
package enum ValueRecord: Equatable, Sendable {
  case value(StoredValueHeader)
  /// Bytes behind the header that mean nothing: what a failed write left.
  case gap(UInt64)
  /// The last record of a sealed file.
  case end(ValueFileCounts)

  package static let headerBytes = 32
  /// Values begin at multiples of 8 to 4096 bytes.
  package static let alignmentShifts: ClosedRange<UInt8> = 3...12
}

/// What a record header says of the value behind it.
package struct StoredValueHeader: Equatable, Sendable {
  package var codec: Codec
  package var alignmentShift: UInt8
  package var checksum: UInt32
  package var storedCount: UInt32
  package var fullCount: UInt32

  package init(
    codec: Codec, alignmentShift: UInt8, checksum: UInt32, storedCount: UInt32, fullCount: UInt32
  ) {
    self.codec = codec
    self.alignmentShift = alignmentShift
    self.checksum = checksum
    self.storedCount = storedCount
    self.fullCount = fullCount
  }

  /// Whether the bytes of a header that was found good before say what `pointer` says; what else they
  /// hold is not looked at.
  package static func isStated(by header: ByteView, for pointer: ValuePointer) -> Bool {
    header.byte(at: 0) == ValueRecord.RecordType.value.rawValue
      && header.byte(at: 1) == pointer.codec.rawValue && header.uint32(at: 4) == pointer.checksum
      && header.uint64(at: 8) == UInt64(pointer.storedCount)
      && header.uint64(at: 16) == UInt64(pointer.fullCount)
  }

  /// Whether `pointer` describes this value.
  package func matches(_ pointer: ValuePointer) -> Bool {
    pointer.storedCount == storedCount && pointer.fullCount == fullCount
      && pointer.checksum == checksum && pointer.codec == codec
  }
}

/// How much a value file holds, live or not.
package struct ValueFileCounts: Equatable, Sendable {
  package var values: UInt64
  /// Stored bytes of the values, headers and padding not counted.
  package var bytes: UInt64

  package init(values: UInt64 = 0, bytes: UInt64 = 0) {
    self.values = values
    self.bytes = bytes
  }

  package mutating func add(_ storedCount: UInt32) {
    // Sums of lengths that were found in one file never come near the limit.
    values &+= 1
    bytes &+= UInt64(storedCount)
  }
}

// MARK: - Bytes

extension ValueRecord {
  fileprivate enum RecordType: UInt8 {
    case value = 1
    case gap = 2
    case end = 3
  }

  /// Writes the 32 bytes of the header that stands at `offset` of the file `id`.
  package func encode(to writer: inout ByteWriter, in id: FileID, at offset: UInt64) {
    let start = writer.count
    switch self {
    case .value(let value):
      writer.uint8(RecordType.value.rawValue)
      writer.uint8(value.codec.rawValue)
      writer.uint8(value.alignmentShift)
      writer.uint8(0)
      writer.uint32(value.checksum)
      writer.uint64(UInt64(value.storedCount))
      writer.uint64(UInt64(value.fullCount))
    case .gap(let count): Self.encode(.gap, count, 0, to: &writer)
    case .end(let counts): Self.encode(.end, counts.values, counts.bytes, to: &writer)
    }
    writer.uint32(0)
    writer.uint32(
      writer.bytes.withByteView { bytes in
        CRC32C.checksum(of: bytes.dropping(start), in: id, at: offset)
      })
  }

  private static func encode(
    _ type: RecordType, _ first: UInt64, _ second: UInt64, to writer: inout ByteWriter
  ) {
    writer.uint8(type.rawValue)
    writer.zeros(7)
    writer.uint64(first)
    writer.uint64(second)
  }

  /// Reads the header at the start of `bytes`, which stands at `offset` of the file `id`.
  package init(decoding bytes: ByteView, in id: FileID, at offset: UInt64) throws(FormatError) {
    var reader = ByteReader(bytes.prefix(Self.headerBytes), .valueRecord, at: offset)
    let start = reader
    guard let covered = bytes.part(at: 0, count: 28), let stored = bytes.uint32(at: 28) else {
      throw FormatError(.valueRecord, .truncated, at: offset &+ UInt64(bytes.count))
    }
    let typeByte = try reader.uint8()
    // Zeros are what an unwritten file reads as: better named than called a wrong checksum.
    guard typeByte != 0 else { throw start.error(.value("record type")) }
    let computed = CRC32C.checksum(of: covered, in: id, at: offset)
    guard stored == computed else {
      throw FormatError(
        .valueRecord, .checksum(stored: stored, computed: computed), at: offset &+ 28)
    }
    switch RecordType(rawValue: typeByte) {
    case nil: throw start.error(.value("record type"))
    case .value: self = .value(try StoredValueHeader(reading: &reader))
    case .gap:
      try reader.zeros(7, "reserved bytes")
      let count = try reader.uint64()
      try reader.zeros(8, "reserved bytes")
      self = .gap(count)
    case .end:
      try reader.zeros(7, "reserved bytes")
      self = .end(ValueFileCounts(values: try reader.uint64(), bytes: try reader.uint64()))
    }
    try reader.zeros(4, "reserved bytes")
  }
}

extension StoredValueHeader {
  /// Reads the fields behind the type.
  fileprivate init(reading reader: inout ByteReader) throws(FormatError) {
    var start = reader
    guard let codec = Codec(rawValue: try reader.uint8()) else {
      throw start.error(.value("codec"))
    }
    self.codec = codec
    start = reader
    alignmentShift = try reader.uint8()
    guard ValueRecord.alignmentShifts.contains(alignmentShift) else {
      throw start.error(.value("alignment"))
    }
    try reader.zeros(1, "reserved bytes")
    checksum = try reader.uint32()
    start = reader
    let (stored, full) = (try reader.uint64(), try reader.uint64())
    guard full <= Limits.valueBytes, stored <= full, codec != .none || stored == full,
      let storedCount = UInt32(exactly: stored), let fullCount = UInt32(exactly: full)
    else { throw start.error(.limit("value length")) }
    self.storedCount = storedCount
    self.fullCount = fullCount
  }
}
