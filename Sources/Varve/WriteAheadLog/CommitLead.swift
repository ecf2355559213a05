import VarveFormat

/// What whoever leads commits has at hand: counters, buffers, and the memtable that takes entries.
///
/// `@unchecked Sendable`: only the leader touches it, and the lead is handed on under the pipeline's
/// ordering.
@safe
final class CommitLead: @unchecked Sendable {
  /// Larger buffers are not kept for the next commit.
  private static let keptBytes = 4 << 20

  /// The number of the next entry.
  var nextSequence: UInt64
  /// The number of the last entry in the current log; zero while it has none.
  var lastInLog = SequenceNumber.zero
  /// The generation that takes entries.
  var active: MemTableGeneration {
    didSet {
      unsafe generation = .passUnretained(active)
      unsafe table = .passUnretained(active.table)
    }
  }
  /// The same and its table, to be used without counting a reference: `active` keeps both.
  private(set) var generation: Unmanaged<MemTableGeneration>
  private(set) var table: Unmanaged<MemTable>
  /// Whether entries should go to another memtable.
  var isMemTableFull = false
  /// The records of the group being written.
  var frame = ByteWriter()
  /// The record of a writer who is alone.
  let single: Unmanaged<SingleRecordEncoder>
  private let keptSingle = SingleRecordEncoder()

  init(nextSequence: UInt64, active: MemTableGeneration) {
    self.nextSequence = nextSequence
    self.active = active
    unsafe generation = .passUnretained(active)
    unsafe table = .passUnretained(active.table)
    unsafe single = .passUnretained(keptSingle)
  }

  /// Empties the buffer for the next group.
  func emptyFrame() {
    if frame.count > Self.keptBytes { frame = ByteWriter() }
    frame.removeAll()
  }
}
