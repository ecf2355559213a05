import VarveFormat
import VarvePlatform

/// What came out of the logs, ready to be part of a view.
struct ReplayedLogs {
  /// Memtables with the replayed entries, oldest first.
  var tables: [MemTableGeneration] = []
  var lastSequence: SequenceNumber
  var entryCount = 0
  /// True when the last writer closed the store and nothing was found that it did not name.
  var isClean = true
  /// Bytes dropped behind the last believable record.
  var tornBytes: UInt64 = 0
  /// Value files that replayed entries point into.
  var valueFiles: [UInt64: ValueFileHandle] = [:]
  /// Any log file was found, so an unclean end needs a manifest that raises the floor.
  var foundLogs = false
}

/// Turns the log files of a store into memtables.
///
/// ```
///   log files ──> LogReplay (pure: what to believe) ──> records ──> batches checked ──> memtables
///                                                         |
///                        above the watermark: each value pointed to must be whole
/// ```
struct LogReplaying {
  let directory: any Directory
  let manifest: Manifest
  let values: ValueAccess
  /// Bytes at which a memtable is left for the next.
  let tableBytes: Int
  let readMode: StoreOptions.ReadMode
  let obsoleteFiles: ObsoleteFiles

  func run(logs numbers: [UInt64]) throws(StoreError) -> ReplayedLogs {
    var opened: [LogBytes] = []
    for number in numbers { opened.append(try LogBytes(number, in: directory, readMode)) }
    // The replay only views their bytes.
    defer { withExtendedLifetime(opened) {} }
    let replay: LogReplay
    do throws(LogDamage) {
      replay = try LogReplay(
        opened.map { LogSource(number: $0.number, bytes: $0.bytes) }, of: manifest)
    } catch {
      throw StoreError(error.error, in: "\(error.file)")
    }
    var result = ReplayedLogs(lastSequence: manifest.lastSequence)
    result.foundLogs = !numbers.isEmpty
    result.isClean =
      manifest.isCleanlyClosed && replay.tornTail == nil
      && numbers.allSatisfy { number in manifest.logs.contains { $0.number == number } }
    result.tornBytes = UInt64(replay.tornTail?.droppedBytes ?? 0)
    try insert(replay, into: &result)
    return result
  }

  private func insert(_ replay: LogReplay, into result: inout ReplayedLogs) throws(StoreError) {
    for part in replay.parts {
      var reader = LogReader(part.bytes, identity: part.identity)
      while let record = reader.next() {
        let position = LogPosition(log: part.identity.number, offset: record.offset)
        guard record.type == .batch else { continue }
        let isDurable =
          record.end <= replay.durable.offset && position.log == replay.durable.log
          || position.log < replay.durable.log
        guard try insert(record, in: part.identity.number, isDurable, into: &result) else {
          // A value the record points to never reached the disk: the torn tail begins here.
          result.tornBytes += UInt64(part.bytes.count) - record.offset
          result.isClean = false
          return
        }
      }
    }
  }

  /// Inserts a record's batch; false where a value that was not known durable is not whole.
  private func insert(
    _ record: LogRecord, in log: UInt64, _ isDurable: Bool, into result: inout ReplayedLogs
  ) throws(StoreError) -> Bool {
    let pointers = try pointers(in: record, log)
    for pointer in pointers where values.store.reader(for: pointer.file) == nil {
      values.store.add(leftover: pointer.file)
    }
    if !isDurable {
      for pointer in pointers where !values.isWhole(pointer) { return false }
    }
    let table = table(for: log, in: &result)
    for pointer in pointers { keep(pointer, for: table, in: &result) }
    table.table.insert(batch: record.payload, firstSequence: record.firstSequence)
    result.entryCount += record.entryCount
    result.lastSequence = SequenceNumber(
      record.firstSequence.rawValue + UInt64(record.entryCount) - 1)
    return true
  }

  /// Checks the whole batch and collects its pointers.
  private func pointers(in record: LogRecord, _ log: UInt64) throws(StoreError) -> [ValuePointer] {
    do throws(FormatError) {
      var pointers: [ValuePointer] = []
      var decoder = try BatchDecoder(
        record.payload, at: record.offset + UInt64(LogRecordHeader.byteCount))
      while let entry = try decoder.next() {
        if entry.kind == .pointer { pointers.append(try ValuePointer(decoding: entry.value)) }
      }
      return pointers
    } catch {
      throw StoreError(error, in: "\(FileName(.log, log))")
    }
  }

  private func table(for log: UInt64, in result: inout ReplayedLogs) -> MemTableGeneration {
    if let last = result.tables.last, result.isClean || last.table.allocatedBytes < tableBytes {
      return last
    }
    let next = MemTableGeneration(firstLog: log)
    result.tables.append(next)
    return next
  }

  /// Keeps the file that a pointer names for as long as the memtable lives.
  private func keep(
    _ pointer: ValuePointer, for table: MemTableGeneration, in result: inout ReplayedLogs
  ) {
    let handle =
      result.valueFiles[pointer.file]
      ?? ValueFileHandle(number: pointer.file, obsoleteFiles: obsoleteFiles)
    result.valueFiles[pointer.file] = handle
    table.pin([handle])
    table.addValueBytes(Int(pointer.fullCount))
  }
}

/// The bytes of one log file, mapped or read, kept while it is replayed.
private final class LogBytes {
  let number: UInt64
  let bytes: ByteView
  private let owner: AnyObject

  init(
    _ number: UInt64, in directory: any Directory, _ mode: StoreOptions.ReadMode
  ) throws(StoreError) {
    self.number = number
    let name = FileName(.log, number).description
    do throws(FileSystemError) {
      let file = try directory.open(name)
      let size = try file.size()
      if mode == .mapped {
        let map = try directory.map(name, size: size)
        bytes = map.bytes
        owner = map
      } else {
        guard size <= UInt64(Limits.batchBytes) * 2 else {
          throw FileSystemError(
            .read, .size(expected: UInt64(Limits.batchBytes) * 2, found: size), path: name)
        }
        let buffer = AlignedBuffer(capacity: Int(size))
        bytes = buffer.view(count: try file.read(into: buffer, count: Int(size), at: 0))
        owner = buffer
      }
      try file.close()
    } catch {
      throw StoreError(error)
    }
  }
}
