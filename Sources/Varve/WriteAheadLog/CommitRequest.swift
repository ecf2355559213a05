import VarveFormat

/// One caller's place in the commit line: what to write, and afterwards how it went.
///
/// `@unchecked Sendable`: the fields of the caller are set before it joins the line and read by the
/// leader after that; the outcome is set by the leader before it marks the request done under the
/// pipeline's lock, and read by the caller after it saw that mark.
final class CommitRequest: @unchecked Sendable {
  /// The encoded entries; none in a request that works alone.
  let batch: BatchEncoder
  /// The same with all its values, for those who do not have the value files; nil where it is the same.
  let whole: BatchEncoder?
  let isSynced: Bool
  /// Value files the payload points into, kept pinned until the entries are in a memtable.
  let valueFiles: [ValueFileHandle]
  /// Bytes of the values in them that the batch points to.
  let valueBytes: Int
  /// Work to do alone, with the log and the memtable at rest.
  let exclusive: (() throws(StoreError) -> Void)?

  // Guarded by the pipeline's lock.
  var isDone = false

  // Set by the leader.
  var failure: StoreError?

  var isExclusive: Bool { exclusive != nil }

  init(
    _ batch: BatchEncoder, isSynced: Bool, valueFiles: [ValueFileHandle] = [], valueBytes: Int = 0,
    whole: BatchEncoder? = nil
  ) {
    self.whole = whole
    self.valueBytes = valueBytes
    self.batch = batch
    self.isSynced = isSynced
    self.valueFiles = valueFiles
    exclusive = nil
  }

  /// A request that runs `work` while nobody else commits.
  init(alone work: @escaping () throws(StoreError) -> Void) {
    batch = BatchEncoder()
    whole = nil
    isSynced = false
    valueFiles = []
    valueBytes = 0
    exclusive = work
  }
}
