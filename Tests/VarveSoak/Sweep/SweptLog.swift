import VarveFormat
import VarveTestSupport

/// The records of the logs of a crashed store, from which follows what must be found when some of their
/// bytes are not what was written. See format-spec/log.md, "The window".
///
/// ```
/// record 1   record 2   record 3   record 4 [all before record 3 is durable]
///               ^ damaged: refused, for record 4 says that it was durable
///                          ^ damaged: records 1 and 2 are there, nothing else
/// ```
struct SweptLog: Sendable {
  private struct Record: Sendable {
    var log: UInt64
    var start: Int
    var end: Int
    /// Behind it the payload begins, which says nothing of what was durable.
    var headerEnd: Int
    var watermark: LogPosition
    /// Commits of all logs up to this record, it included.
    var commits: Int
  }

  private var records: [Record] = []
  /// Up to where the manifest says that all is durable.
  private let named: LogPosition

  var commits: Int { records.last?.commits ?? 0 }

  init(_ files: [String: [UInt8]], of manifest: Manifest) throws {
    named =
      manifest.logs.filter { $0.length > FileHeader.byteCount }
      .map { LogPosition(log: $0.number, offset: $0.length) }.max() ?? .none
    let logs = files.compactMap { name, bytes in
      FileName(parsing: name).map { (name: $0, bytes: bytes) }
    }.sorted { $0.name.number < $1.name.number }
    // What lies below the floor is kept for another life only.
    for log in logs where log.name.kind == .log && log.name.number >= manifest.logFloor {
      try log.bytes.withByteView { try add(log.name.number, $0) }
    }
  }

  private mutating func add(_ number: UInt64, _ bytes: ByteView) throws {
    let header = try FileHeader(decoding: bytes, as: .log)
    var reader = LogReader(
      bytes, identity: LogIdentity(number: number, salt: header.identity.low))
    while let record = reader.next() {
      records.append(
        Record(
          log: number, start: Int(record.offset), end: Int(record.end),
          headerEnd: Int(record.offset) + LogRecordHeader.entryByteCount,
          watermark: record.watermark, commits: commits + (record.entryCount > 0 ? 1 : 0)))
    }
  }

  /// How many commits must be there when `log` holds other bytes: none of them less, and no more; nil
  /// where damage must be refused, since what it hit is known to have been durable.
  func commits(of log: UInt64, _ original: [UInt8], _ mutated: [UInt8]) -> Int? {
    func isIntact(_ range: Range<Int>) -> Bool {
      range.upperBound <= mutated.count && mutated[range] == original[range]
    }
    guard
      let damaged = records.firstIndex(where: { $0.log == log && !isIntact($0.start..<$0.end) })
    else { return commits }
    let stated =
      records.filter { $0.log != log || isIntact($0.start..<$0.headerEnd) }
      .map(\.watermark).max() ?? .none
    let end = LogPosition(log: log, offset: UInt64(records[damaged].end))
    if end <= max(stated, named) { return nil }
    return damaged == 0 ? 0 : records[damaged - 1].commits
  }
}
