import CVarveShims

/// What a log record holds. The numbers are stored and keep their meaning for ever.
///
/// A reader skips an unknown type with bit 0x80 set, and refuses the log at any other.
package enum LogRecordType: UInt8, Sendable, CaseIterable {
  /// Entries that become visible together: see ``BatchDecoder``.
  case batch = 1
  /// No payload: the record is written for its watermark alone.
  case watermark = 2
  /// One entry, with a short header: see ``LogRecordHeader/entryByteCount``.
  case put = 0x11
  case delete = 0x12
  case pointer = 0x14

  /// Of an entry record; nil for a kind that has none.
  init?(entry kind: EntryKind) {
    switch kind {
    case .put: self = .put
    case .pointer: self = .pointer
    case .delete: self = .delete
    case .rangeDelete: return nil
    }
  }

  /// Of the one entry of an entry record.
  var entryKind: EntryKind? {
    switch self {
    case .put: .put
    case .delete: .delete
    case .pointer: .pointer
    case .batch, .watermark: nil
    }
  }
}

/// The bytes before a record's payload, 32 of them but in entry records. Spec: log.md, "Record".
///
/// ```
///  0  header checksum    u32, CRC-32C of (log number, salt, record offset, bytes 4..<32)
///  4  payload checksum   u32, CRC-32C of (log number, salt, record offset, payload); 0 if empty
///  8  payload length     u32
/// 12  type               u8
/// 13  reserved           u8, zero
/// 14  watermark lag      u16, this log's number less the watermark's
/// 16  first sequence     u64
/// 24  watermark offset   u64; 0 for no watermark
/// ```
///
/// The checksum of an empty payload is stored as zero for a reason: the CRC of some bytes followed
/// by their own CRC is a constant, so a header checksum over (context, CRC of context) would not
/// depend on the context at all.
package struct LogRecordHeader: Equatable, Sendable {
  /// Of a header that is no entry record's. No record as a whole has less.
  @inlinable package static var byteCount: Int { 32 }
  /// Records begin at multiples of this.
  package static let alignment = 16

  /// The type as stored: known, or unknown and ignorable.
  package var type: UInt8
  package var payloadCount: Int
  package var payloadChecksum: UInt32
  package var firstSequence: SequenceNumber
  package var watermark: LogPosition
  /// Bytes of the user's key in an entry record.
  package var keyCount = 0
}

extension LogRecordHeader {
  var isOfEntry: Bool { Self.isOfEntry(type: type) }

  /// Where the payload begins, and where the first sequence number stands, from the record's start.
  package var payloadOffset: Int { isOfEntry ? Self.entryByteCount : Self.byteCount }
  var sequenceOffset: Int { isOfEntry ? 13 : 16 }

  /// Bytes that the record takes in its log.
  package var framedCount: Int {
    (payloadOffset &+ payloadCount &+ Self.alignment &- 1) & -Self.alignment
  }
}

/// Why bytes are not a record.
package enum LogFlaw: Error, Equatable, Sendable {
  /// A crash can leave such bytes behind: a checksum is wrong, or the file ends too early.
  case torn(FormatError)
  /// The checksums hold and a rule is broken all the same: no crash does that.
  case broken(FormatError)

  package var error: FormatError {
    switch self {
    case .torn(let error), .broken(let error): error
    }
  }
}

// MARK: - Encoding

extension LogRecordHeader {
  /// Appends the header of a record at `offset` of the log `identity`, which is no entry record.
  func encode(to writer: inout ByteWriter, identity: LogIdentity, offset: UInt64) {
    let words = words(identity: identity, offset: offset)
    writer.uint64(words.0)
    writer.uint64(words.1)
    writer.uint64(words.2)
    writer.uint64(words.3)
  }

  /// Writes the header over the first bytes of `heap`.
  func set(in heap: ByteHeap, identity: LogIdentity, offset: UInt64) {
    if isOfEntry {
      let words = entryWords(identity: identity, offset: offset)
      heap.set(words.0, at: 0)
      heap.set(words.1, at: 8)
      heap.set(words.2, at: 16)
    } else {
      let words = words(identity: identity, offset: offset)
      heap.set(words.0, at: 0)
      heap.set(words.1, at: 8)
      heap.set(words.2, at: 16)
      heap.set(words.3, at: 24)
    }
  }

  /// The header of a record at `offset` of the log `identity`, as four little-endian numbers.
  ///
  /// A watermark in a log more than 65,535 numbers back does not fit and is left out: to claim less
  /// is always right.
  private func words(
    identity: LogIdentity, offset: UInt64
  ) -> (UInt64, UInt64, UInt64, UInt64) {
    let lag = UInt16(exactly: identity.number &- watermark.log)
    let known = watermark != .none && lag != nil
    var middle = UInt64(UInt32(truncatingIfNeeded: payloadCount)) | UInt64(type) << 32
    if let lag, known { middle |= UInt64(lag) << 48 }
    let stored = (
      (UInt64(payloadChecksum) << 32).littleEndian, middle.littleEndian,
      firstSequence.rawValue.littleEndian, (known ? watermark.offset : 0).littleEndian
    )
    var sum = identity.context(at: offset)
    unsafe withUnsafeBytes(of: stored) { bytes in
      // 32 bytes, of which the checksum covers all but its own four.
      unsafe sum.append(ByteView(unsafeBuffer: bytes).dropping(4))
    }
    return (
      UInt64(payloadChecksum) << 32 | UInt64(sum.value), middle, firstSequence.rawValue,
      known ? watermark.offset : 0
    )
  }
}

// MARK: - Decoding

extension LogRecordHeader {
  /// The checksum that the header at the beginning of the 32 `bytes` at `offset` must state.
  private static func checksum(of bytes: ByteView, identity: LogIdentity, offset: Int) -> UInt32 {
    let count = isOfEntry(type: bytes.byte(at: 12) ?? 0) ? entryByteCount : byteCount
    var sum = identity.context(at: UInt64(truncatingIfNeeded: offset))
    sum.append(bytes.prefix(count).dropping(4))
    return sum.value
  }

  /// Reads and checks the header at `offset` of `log`, the bytes of a whole file.
  package init(in log: ByteView, at offset: Int, identity: LogIdentity) throws(LogFlaw) {
    let place = UInt64(truncatingIfNeeded: offset)
    guard let bytes = log.part(at: offset, count: Self.byteCount) else {
      throw .torn(FormatError(.logRecord, .truncated, at: place))
    }
    let stored = bytes.uint32(at: 0) ?? 0
    let computed = Self.checksum(of: bytes, identity: identity, offset: offset)
    guard stored == computed else {
      let fault: FormatError.Fault =
        bytes.isAllZero
        ? .value("record type") : .checksum(stored: stored, computed: computed)
      throw .torn(FormatError(.logRecord, fault, at: place))
    }
    do {
      if Self.isOfEntry(type: bytes.byte(at: 12) ?? 0) {
        self = try Self(ofEntry: bytes, identity: identity, offset: place)
        return
      }
      var reader = ByteReader(bytes, .logRecord, at: place)
      _ = try reader.uint32()
      self = try Self(fields: &reader, identity: identity, offset: place)
    } catch {
      throw .broken(error)
    }
  }

  /// The fields behind a header checksum that holds.
  private init(
    fields reader: inout ByteReader, identity: LogIdentity, offset: UInt64
  ) throws(FormatError) {
    payloadChecksum = try reader.uint32()
    let lengthPlace = reader
    let length = try reader.uint32()
    guard length <= Limits.batchBytes else { throw lengthPlace.error(.limit("payload length")) }
    payloadCount = Int(length)
    type = try Self.type(&reader)
    try reader.zeros(1, "reserved byte")
    let lag = UInt64(try reader.uint16())
    let sequencePlace = reader
    firstSequence = SequenceNumber(try reader.uint64())
    guard firstSequence > .zero, firstSequence <= .max else {
      throw sequencePlace.error(.limit("sequence number"))
    }
    let watermarkPlace = reader
    let watermarkOffset = try reader.uint64()
    guard let watermark = Self.watermark(lag, watermarkOffset, identity, offset) else {
      throw watermarkPlace.error(.value("watermark"))
    }
    self.watermark = watermark
  }

  private static func type(_ reader: inout ByteReader) throws(FormatError) -> UInt8 {
    let place = reader
    let type = try reader.uint8()
    guard type != 0 else { throw place.error(.value("record type")) }
    guard type & 0x80 != 0 || LogRecordType(rawValue: type) != nil else {
      throw place.error(.features(UInt32(type)))
    }
    return type
  }

  /// The watermark that two fields stand for, or nil where they stand for none that can be.
  static func watermark(
    _ lag: UInt64, _ offset: UInt64, _ identity: LogIdentity, _ recordOffset: UInt64
  ) -> LogPosition? {
    if offset == 0 { return lag == 0 ? LogPosition.none : nil }
    // Lower than the record itself: nobody knows that a record is durable before it is written.
    guard offset >= UInt64(FileHeader.byteCount), offset % UInt64(alignment) == 0,
      lag < identity.number, lag > 0 || offset <= recordOffset
    else { return nil }
    return LogPosition(log: identity.number &- lag, offset: offset)
  }
}
