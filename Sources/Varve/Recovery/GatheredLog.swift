import Synchronization
import VarveFormat

/// What a recovery needs of one log, gathered while the log is surveyed: its bytes are read once and
/// not twice, and several logs at the same time.
///
/// ```
///   survey of log 7   record, checked ──decoded──> places     believed? the run takes them all
///   survey of log 9   record, checked ──decoded──> places     torn before it? nobody takes them
/// ```
///
/// Only for logs without pointers, whose values may have to be written again in the order of all logs.
/// Such a log, a malformed one and one for which there is no room are given up, and read again batch by
/// batch.
final class GatheredLog: @unchecked Sendable {
  // @unchecked: filled by the thread that surveys the log; read when all surveys are done.

  let number: UInt64
  private(set) var run = ReplayedRun()
  /// Those of its batches that hold entries of the system keyspace, which are wanted once more.
  private(set) var systemRecords: [LogRecord] = []
  private(set) var entryCount = 0
  private(set) var lastSequence = SequenceNumber.zero
  private let room: GatheringRoom
  private let usualCount: Int
  private var isGivenUp = false

  /// Keyspaces are made and dropped by people: who does so thousands of times is read twice.
  static let mostSystemRecords = 1000
  /// Of a record of one small entry. Where they are smaller, room is made as it is needed.
  private static let usualRecordBytes = 64

  /// - Parameter bytes: that were ever written of the log.
  init(_ number: UInt64, bytes: Int, within room: GatheringRoom) {
    self.number = number
    self.room = room
    usualCount = bytes / Self.usualRecordBytes
  }

  /// Whether it holds all entries of the log's whole records.
  var isComplete: Bool { !isGivenUp }

  /// Takes the next record of the log.
  func take(_ record: LogRecord) {
    guard !isGivenUp, record.entryCount > 0 else { return }
    if entryCount == 0 { run.reserve(min(usualCount, room.left)) }
    guard room.take(record.entryCount), (try? takeEntries(of: record)) == true else {
      isGivenUp = true
      // Its memory is wanted by the second reading.
      run = ReplayedRun()
      systemRecords = []
      return
    }
    entryCount += record.entryCount
    lastSequence = max(lastSequence, record.lastSequence)
  }

  /// False where the batch holds a pointer, or one record of keyspaces too many.
  private func takeEntries(of record: LogRecord) throws(FormatError) -> Bool {
    var decoder = try BatchDecoder(of: record)
    var sequence = record.firstSequence.rawValue
    var isOfSystem = false
    while let entry = try decoder.next() {
      guard entry.kind != .pointer else { return false }
      isOfSystem = isOfSystem || entry.keyspace == SystemKeyspace.number
      run.append(entry, SequenceNumber(sequence))
      sequence &+= 1
    }
    if isOfSystem { systemRecords.append(record) }
    return systemRecords.count <= Self.mostSystemRecords
  }
}

/// The memory that all logs together may gather entries in.
final class GatheringRoom: Sendable {
  private let entriesLeft: Atomic<Int>

  init(bytes: Int) { entriesLeft = Atomic(bytes / ReplayedRun.bytesAnEntry) }

  /// Entries for which there is room now.
  var left: Int { max(0, entriesLeft.load(ordering: .relaxed)) }

  /// Whether there was room for so many entries.
  func take(_ entries: Int) -> Bool {
    // Below zero nothing more is taken, so it never gets far.
    guard entriesLeft.load(ordering: .relaxed) >= entries else { return false }
    return entriesLeft.subtract(entries, ordering: .relaxed).newValue >= 0
  }
}
