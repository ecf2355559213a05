import VarveFormat

extension FuzzTarget {
  /// One log: its header, its records, and the entries in them.
  static let log = FuzzTarget("log", upTo: 16 << 10, sign: { $0.signLog() }) { bytes in
    let header = accepted(bytes) { () throws(FormatError) in
      try FileHeader(decoding: bytes, as: .log)
    }
    let identity = LogIdentity(number: header?.number ?? 1, salt: header?.identity.low ?? 1)
    let walk = LogExam(bytes, identity)
    // The part that was accepted is a whole log, with the same records in it.
    let again = LogExam(bytes.prefix(walk.end), identity)
    promise(again.isClean && again.records == walk.records, "the accepted part of a log is none")
  }

  /// The payload of one record.
  static let batch = FuzzTarget("batch", upTo: 4 << 10) { bytes in
    _ = BatchExam.entries(of: bytes) { () throws(FormatError) in try BatchDecoder(bytes) }
  }
}

/// Reads a log from its start and holds each record to what records are.
struct LogExam {
  private(set) var records = 0
  private(set) var end = FileHeader.byteCount
  private(set) var isClean = false
  private var nextSequence: UInt64?

  init(_ bytes: ByteView, _ identity: LogIdentity) {
    var reader = LogReader(bytes, identity: identity)
    while let record = reader.next() { check(record, bytes) }
    promise(reader.offset == end, "a log ends elsewhere than its last record")
    switch reader.end {
    case nil: promise(false, "a log without an end")
    case .clean: isClean = true
    case .invalid(let flaw): checkRefusal(flaw.error, of: 0..<UInt64(max(64, bytes.count)))
    }
  }

  private mutating func check(_ record: LogRecord, _ bytes: ByteView) {
    promise(record.offset == UInt64(end), "a record does not follow the last one")
    promise(record.end > record.offset, "a record takes no room")
    promise(record.end <= UInt64(bytes.count), "a record is larger than its log")
    let first = record.firstSequence.rawValue
    promise(nextSequence == nil || first == nextSequence, "a record skips a number")
    promise(first <= SequenceNumber.max.rawValue, "a number is too large")
    records += 1
    end = Int(record.end)
    nextSequence = first + UInt64(record.entryCount)
    guard record.entryCount > 0 else { return }
    let entries = BatchExam.entries(of: record.payload, in: 0..<record.end) {
      () throws(FormatError) in try BatchDecoder(of: record)
    }
    promise(entries == nil || entries == record.entryCount, "a record miscounts its entries")
  }
}

/// Reads a batch and writes it again.
enum BatchExam {
  /// How many entries there are; nil where they are refused.
  static func entries(
    of payload: ByteView, in extent: Range<UInt64>? = nil,
    _ open: () throws(FormatError) -> BatchDecoder
  ) -> Int? {
    var encoder = BatchEncoder()
    do throws(FormatError) {
      var decoder = try open()
      let count = decoder.count
      while let entry = try decoder.next() { try add(entry, to: &encoder) }
      promise(Int(encoder.count) == count, "a batch miscounts its entries")
      if extent == nil {
        promise(encoder.withPayload { $0 == payload }, "a batch is not what would be written")
      }
      return count
    } catch {
      checkRefusal(error, of: extent ?? 0..<UInt64(payload.count))
      return nil
    }
  }

  private static func add(
    _ entry: BatchEntry, to encoder: inout BatchEncoder
  ) throws(FormatError) {
    switch entry.kind {
    case .put:
      try encoder.put(entry.userKey, in: entry.keyspace, entry.value, expiry: entry.expiry)
    case .pointer:
      let pointer = try ValuePointer(decoding: entry.value)
      try encoder.put(entry.userKey, in: entry.keyspace, at: pointer, expiry: entry.expiry)
    case .delete: try encoder.delete(entry.userKey, in: entry.keyspace)
    case .rangeDelete: promise(false, "a range delete was accepted")
    }
  }
}
