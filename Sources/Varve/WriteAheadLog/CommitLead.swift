import VarveFormat

/// What whoever leads commits has at hand: counters, buffers, and the memtable that takes entries.
///
/// `@unchecked Sendable`: only the leader touches it, and the lead is handed on under the pipeline's
/// ordering.
final class CommitLead: @unchecked Sendable {
  /// Larger buffers are not kept for the next commit.
  private static let keptBytes = 4 << 20

  /// The number of the next entry.
  var nextSequence: UInt64
  /// The number of the last entry in the current log; zero while it has none.
  var lastInLog = SequenceNumber.zero
  /// The generation that takes entries.
  var active: MemTableGeneration
  /// Whether entries should go to another memtable.
  var isMemTableFull = false
  /// The records of the group being written.
  var frame = ByteWriter()
  /// The record of a writer who is alone.
  let single = SingleRecordEncoder()

  init(nextSequence: UInt64, active: MemTableGeneration) {
    self.nextSequence = nextSequence
    self.active = active
  }

  /// Empties the buffer for the next group.
  func emptyFrame() {
    if frame.count > Self.keptBytes { frame = ByteWriter() }
    frame.removeAll()
  }
}
