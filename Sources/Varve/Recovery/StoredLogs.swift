import VarveFormat
import VarvePlatform

/// The log files of a store that is being opened, and what of them to believe.
///
/// ```
///   log files ──> LogReplay (pure: what to believe) ──> batches, in the order of their writing
///       └──> GatheredLog, on the way ──> all entries of a log at once
/// ```
final class StoredLogs: Sendable {
  /// A batch whose record is whole. What its pointers lead to is not known yet.
  struct Batch {
    var log: UInt64
    var record: LogRecord
    /// Below the watermark: whatever is wrong with it is damage, and not what a crash leaves.
    var isDurable: Bool
  }

  /// There is no log file. After an unclean end even one that holds nothing needs a manifest that
  /// raises the floor above it.
  let isEmpty: Bool
  /// The last writer closed the store, nothing was found that it did not name, and the next log can go
  /// on where its logs end. Never where they are larger than a closed store leaves them: what is clean goes
  /// into one memtable.
  let isClean: Bool
  private let replay: LogReplay
  private let gathering: LogGathering?
  /// Kept while batches are lent.
  private let files: [LogBytes]

  /// - Parameters:
  ///   - gatheredBytes: memory for entries that are gathered while the logs are judged; nil where
  ///     nobody wants them.
  ///   - usesThreads: whether several large logs may be judged by two threads.
  init(
    _ numbers: [UInt64], in directory: any Directory, of manifest: Manifest,
    _ mode: StoreOptions.ReadMode, gatheredBytes: Int? = nil, usesThreads: Bool = false
  ) throws(StoreError) {
    var files: [LogBytes] = []
    // What is not needed may be anything, and goes.
    for number in numbers where manifest.needs(log: number) {
      files.append(try LogBytes(number, in: directory, mode))
    }
    gathering = gatheredBytes.map { [files] in
      LogGathering(
        Dictionary(uniqueKeysWithValues: files.map { ($0.number, $0.writtenCount) }),
        memoryBytes: $0, usesThreads: usesThreads)
    }
    do throws(LogDamage) {
      replay = try LogReplay(
        files.map {
          LogSource(number: $0.number, bytes: $0.bytes, writtenCount: $0.writtenCount)
        }, of: manifest,
        by: gathering?.surveying ?? LogSurveying())
    } catch {
      throw StoreError(error.error, in: "\(error.file)")
    }
    self.files = files
    isEmpty = numbers.isEmpty
    isClean =
      manifest.isCleanlyClosed && replay.tornTail == nil
      && numbers.allSatisfy { manifest.extent(of: $0) != nil }
      && manifest.logsReachLastSequence
      && manifest.logs.statedSum(\.length) < Engine.keptLogBytes
  }

  /// No less than that of the last batch.
  var lastSequence: SequenceNumber { replay.lastSequence }

  /// Hands every batch to `take`, which says whether the values it points to are whole; the first
  /// for which they are not begins the torn tail.
  ///
  /// - Parameter takeLog: handed all entries of a log in the place of its batches, where they were
  ///   gathered; nil to see every batch.
  /// - Returns: bytes that are dropped behind the last batch that was taken.
  func forEachBatch(
    _ take: (Batch) throws(StoreError) -> Bool,
    orGathered takeLog: ((GatheredLog) throws(StoreError) -> Void)? = nil
  ) throws(StoreError) -> UInt64 {
    let dropped = UInt64(replay.tornTail?.droppedBytes ?? 0)
    for part in replay.parts {
      let log = part.identity.number
      if let takeLog, let gathered = gathering?.entries(of: log) {
        try takeLog(gathered)
        continue
      }
      var reader = LogReader(part.bytes, identity: part.identity)
      while let record = reader.next() {
        guard record.entryCount > 0 else { continue }
        let isDurable = LogPosition(log: log, offset: record.end) <= replay.durable
        guard try take(Batch(log: log, record: record, isDurable: isDurable)) else {
          return dropped + UInt64(part.bytes.count) - record.offset
        }
      }
    }
    return dropped
  }
}

extension Manifest {
  /// Whether its logs, where they hold records at all, do not end before the last sequence number: the
  /// next record takes the one after that, and may not leave a gap behind them.
  fileprivate var logsReachLastSequence: Bool {
    let last = logs.map(\.lastSequence).max() ?? .zero
    return last == .zero || last >= lastSequence
  }
}

extension LogRecord {
  /// Of its last entry; it holds one.
  var lastSequence: SequenceNumber {
    SequenceNumber(firstSequence.rawValue + UInt64(entryCount) - 1)
  }
}

extension StoredLogs.Batch {
  var name: String { FileName(.log, log).description }

  var lastSequence: SequenceNumber { record.lastSequence }

  /// Hands every entry to `body`, checking all of the batch on the way.
  func forEachEntry(
    _ body: (BatchEntry, SequenceNumber) throws(StoreError) -> Void
  ) throws(StoreError) {
    var sequence = record.firstSequence.rawValue
    var decoder = try checked { () throws(FormatError) in
      try BatchDecoder(of: record)
    }
    while let entry = try checked({ () throws(FormatError) in try decoder.next() }) {
      try body(entry, SequenceNumber(sequence))
      sequence &+= 1
    }
  }

  @inline(__always)
  private func checked<Value>(
    _ decode: () throws(FormatError) -> Value
  ) throws(StoreError) -> Value {
    do throws(FormatError) { return try decode() } catch { throw StoreError(error, in: name) }
  }
}

/// The bytes of one log file, mapped or read, kept while it is replayed.
private final class LogBytes: Sendable {
  let number: UInt64
  let bytes: ByteView
  /// Bytes behind which the file system knows of nothing but zeros.
  let writtenCount: Int
  private let owner: any AnyObject & Sendable

  init(
    _ number: UInt64, in directory: any Directory, _ mode: StoreOptions.ReadMode
  ) throws(StoreError) {
    self.number = number
    let name = FileName(.log, number).description
    do throws(FileSystemError) {
      let file = try directory.open(name)
      let size = min(try file.size(), Limits.logFileBytes + 1)
      writtenCount = Int(clamping: try file.dataEnd())
      // What is too long is refused for its length alone.
      if size > Limits.logFileBytes || mode == .mapped,
        let map = try directory.mapped(name, size: size)
      {
        bytes = map.bytes
        owner = map
      } else {
        let buffer = AlignedBuffer(capacity: Int(size))
        bytes = buffer.view(count: try file.readWhole(into: buffer, count: Int(size)))
        owner = buffer
      }
      try file.close()
    } catch {
      throw StoreError(error)
    }
  }
}
