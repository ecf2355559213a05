/// One record of a log, lent while the log's bytes are.
package struct LogRecord: Sendable {
  /// Nil for a type that this reader does not know and may pass over.
  package var type: LogRecordType?
  /// Of the first entry; of the next entry to come where the record holds none.
  package var firstSequence: SequenceNumber
  /// Entries in the record: the sequence numbers it takes.
  package var entryCount: Int
  package var payload: ByteView
  /// Bytes of the user's key in an entry record.
  package var keyCount = 0
  /// Where the record begins, in bytes from the start of the file.
  package var offset: UInt64
  /// Where it ends and the next one begins.
  package var end: UInt64
  package var watermark: LogPosition
}

extension LogRecord {
  /// Where its first sequence number stands.
  var sequencePlace: UInt64 { offset &+ (type?.entryKind == nil ? 16 : 13) }
}

/// Why a log has no further record.
package enum LogEnd: Equatable, Sendable {
  /// The file ends here, or holds nothing but zeros from here on.
  case clean
  /// What follows is not a record.
  case invalid(LogFlaw)
}

/// Walks the records of one log from its start to the first thing that is not a record.
///
/// ```
/// 0         64                                                      file size
/// +---------+----------+--------------+-----+----------+----------------+
/// | header  | record   | record       | ... | record   | zeros          |
/// +---------+----------+--------------+-----+----------+----------------+
/// ```
///
/// Pure: it only sees bytes. What an end means for the store is ``LogReplay``'s matter.
package struct LogReader {
  package let bytes: ByteView
  package let identity: LogIdentity
  /// Behind so many bytes there is nothing but zeros, whoever reads them.
  private let writtenCount: Int
  /// Where the next record begins: after the walk, where it ended.
  package private(set) var offset: Int
  /// Why the walk ended; nil while it goes on.
  package private(set) var end: LogEnd?
  /// The sequence number that the next record must begin with; nil before the first record.
  package private(set) var nextSequence: SequenceNumber?
  /// The highest watermark of any record so far.
  package private(set) var watermark = LogPosition.none

  /// Reads the log whose file, or first part of a file, is `bytes`.
  ///
  /// - Parameters:
  ///   - offset: where the first record begins; elsewhere than behind the file header only to see
  ///     what is left of a damaged log.
  ///   - writtenCount: see ``LogSource``.
  package init(
    _ bytes: ByteView, identity: LogIdentity, at offset: Int = FileHeader.byteCount,
    writtenCount: Int? = nil
  ) {
    self.bytes = bytes
    self.identity = identity
    self.offset = offset
    self.writtenCount = writtenCount ?? bytes.count
  }

  /// The next record, or nil at the end; ``end`` then says why. Costs one CRC-32C of the record.
  package mutating func next() -> LogRecord? {
    guard end == nil else { return nil }
    do {
      return try step()
    } catch {
      end = .invalid(error)
      return nil
    }
  }
}

// MARK: - One step

extension LogReader {
  /// The next record, or nil at a clean end.
  private mutating func step() throws(LogFlaw) -> LogRecord? {
    guard !bytes.dropping(offset).prefix(LogRecordHeader.byteCount).isAllZero else {
      try finish()
      return nil
    }
    let header = try LogRecordHeader(in: bytes, at: offset, identity: identity)
    let payload = try payload(of: header)
    let entryCount = try entryCount(of: header, payload)
    let start = offset
    offset = try paddedEnd(of: header)
    nextSequence = SequenceNumber(header.firstSequence.rawValue &+ UInt64(entryCount))
    watermark = max(watermark, header.watermark)
    return LogRecord(
      type: LogRecordType(rawValue: header.type), firstSequence: header.firstSequence,
      entryCount: entryCount, payload: payload, keyCount: header.keyCount,
      offset: UInt64(start), end: UInt64(offset), watermark: header.watermark)
  }

  /// Zeros where a header would be: the end, if nothing else follows them.
  private mutating func finish() throws(LogFlaw) {
    guard bytes.prefix(writtenCount).dropping(offset).isAllZero else {
      throw .torn(error(.value("record type"), at: offset))
    }
    end = .clean
  }

  private func payload(of header: LogRecordHeader) throws(LogFlaw) -> ByteView {
    let start = offset &+ header.payloadOffset
    guard let payload = bytes.part(at: start, count: header.payloadCount) else {
      throw .torn(error(.truncated, at: bytes.count))
    }
    guard !payload.isEmpty else {
      guard header.payloadChecksum == 0 else {
        throw .broken(error(.value("payload checksum"), at: offset &+ 4))
      }
      return payload
    }
    var sum = identity.context(at: UInt64(offset))
    sum.append(payload)
    guard sum.value == header.payloadChecksum else {
      let fault = FormatError.Fault.checksum(
        stored: header.payloadChecksum, computed: sum.value)
      throw .torn(error(fault, at: start))
    }
    return payload
  }

  /// How many sequence numbers the record takes; checks that they follow the last record's.
  private func entryCount(of header: LogRecordHeader, _ payload: ByteView) throws(LogFlaw) -> Int {
    let first = header.firstSequence
    let sequencePlace = offset &+ header.sequenceOffset
    if let nextSequence, first != nextSequence { throw .broken(error(.order, at: sequencePlace)) }
    let count: UInt32
    switch LogRecordType(rawValue: header.type) {
    case .batch:
      count = payload.uint32(at: 0) ?? 0
      guard count > 0 else { throw .broken(error(.value("entry count"), at: offset &+ 32)) }
    case .put, .delete, .pointer:
      count = 1
    case .watermark:
      guard payload.isEmpty else { throw .broken(error(.excess, at: offset &+ 32)) }
      return 0
    case nil: return 0
    }
    guard UInt64(count) <= SequenceNumber.max.rawValue &- first.rawValue else {
      throw .broken(error(.limit("sequence number"), at: sequencePlace))
    }
    return Int(count)
  }

  /// The end of the record with `header`, behind padding that must be zero.
  private func paddedEnd(of header: LogRecordHeader) throws(LogFlaw) -> Int {
    let start = offset &+ header.payloadOffset &+ header.payloadCount
    let end = offset &+ header.framedCount
    guard let padding = bytes.part(at: start, count: end &- start) else {
      throw .torn(error(.truncated, at: bytes.count))
    }
    guard padding.isAllZero else { throw .torn(error(.value("padding"), at: start)) }
    return end
  }

  private func error(_ fault: FormatError.Fault, at place: Int) -> FormatError {
    FormatError(.logRecord, fault, at: UInt64(truncatingIfNeeded: place))
  }
}
