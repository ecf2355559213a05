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
/// Only for logs of which nothing else is wanted: no pointers, whose values may have to be written
/// again in the order of all logs, and no records of keyspaces. Such a log, a malformed one and one
/// for which there is no room are given up, and read again batch by batch.
final class GatheredLog: @unchecked Sendable {
  // @unchecked: filled by the thread that surveys the log; read when all surveys are done.

  private(set) var run = ReplayedRun()
  private(set) var entryCount = 0
  private(set) var lastSequence = SequenceNumber.zero
  private let room: GatheringRoom
  private var isGivenUp = false

  init(within room: GatheringRoom) { self.room = room }

  /// Whether it holds all entries of the log's whole records.
  var isComplete: Bool { !isGivenUp }

  /// Takes the next record of the log.
  func take(_ record: LogRecord) {
    guard !isGivenUp, record.type == .batch else { return }
    guard room.take(record.entryCount), (try? takeEntries(of: record)) == true else {
      isGivenUp = true
      // Its memory is wanted by the second reading.
      run = ReplayedRun()
      return
    }
    entryCount += record.entryCount
    lastSequence = max(lastSequence, record.lastSequence)
  }

  /// False where the batch holds something else than plain entries.
  private func takeEntries(of record: LogRecord) throws(FormatError) -> Bool {
    var decoder = try BatchDecoder(record.payload)
    var sequence = record.firstSequence.rawValue
    while let entry = try decoder.next() {
      guard entry.kind != .pointer, entry.keyspace != SystemKeyspace.number else { return false }
      run.append(entry, SequenceNumber(sequence))
      sequence &+= 1
    }
    return true
  }
}

/// The memory that all logs together may gather entries in.
final class GatheringRoom: Sendable {
  private let entriesLeft: Atomic<Int>

  init(bytes: Int) { entriesLeft = Atomic(bytes / ReplayedRun.bytesAnEntry) }

  /// Whether there was room for so many entries.
  func take(_ entries: Int) -> Bool {
    // Below zero nothing more is taken, so it never gets far.
    guard entriesLeft.load(ordering: .relaxed) >= entries else { return false }
    return entriesLeft.subtract(entries, ordering: .relaxed).newValue >= 0
  }
}
