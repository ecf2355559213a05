import VarveFormat

/// What a store holds and has done since it was opened. Plain numbers, ready to print.
public struct StoreMetrics: Sendable {
  /// One level of segments.
  public struct Level: Sendable {
    /// Segments in the level.
    public var segments = 0
    /// Bytes of their files.
    public var bytes: UInt64 = 0
    /// Entries in them, overwritten and deleted ones included.
    public var entries: UInt64 = 0
  }

  /// Levels from 0 down.
  public var levels: [Level] = []
  /// Value files, their bytes, and the bytes of values in them that a segment still points to.
  public var valueFiles = 0
  /// Bytes of all value files.
  public var valueFileBytes: UInt64 = 0
  /// Bytes of values in value files that some segment points to.
  public var liveValueBytes: UInt64 = 0
  /// Bytes of memory that the memtables hold, the frozen ones included.
  public var memTableBytes = 0
  /// Memtables that wait to be flushed.
  public var frozenMemTables = 0
  /// Entries in memtables.
  public var memTableEntries = 0
  /// The last sequence number that is visible.
  public var lastSequence: UInt64 = 0
  /// Snapshots that exist.
  public var snapshots = 0
  /// Keyspaces that exist.
  public var keyspaces = 0
  /// The version's number: how many manifests were ever committed.
  public var manifestNumber: UInt64 = 0
  /// Why nothing can be written any more; nil while all is well.
  public var poison: String?

  /// Batches committed.
  public var commits: UInt64 = 0
  /// Entries written.
  public var entriesWritten: UInt64 = 0
  /// Bytes appended to logs.
  public var logBytes: UInt64 = 0
  /// Commits that waited for a sync.
  public var logSyncs: UInt64 = 0
  /// Bytes of large values that commits wrote to value files, as stored.
  public var valueBytesWritten: UInt64 = 0
  /// Flushes.
  public var flushes: UInt64 = 0
  /// Bytes that flushes wrote: segments, and large values that were in the log until then.
  public var flushedBytes: UInt64 = 0
  /// Compactions.
  public var compactions: UInt64 = 0
  /// Bytes that compactions read.
  public var compactionReadBytes: UInt64 = 0
  /// Bytes that compactions wrote.
  public var compactionWrittenBytes: UInt64 = 0
  /// Entries that scans passed without showing them: overwritten, deleted, expired, or too new.
  /// Many of them for each entry shown are a reason to compact.
  public var skippedEntries: UInt64 = 0
  /// Writes that were slowed down, and for how long in all.
  public var delayedWrites: UInt64 = 0
  /// Microseconds that writes were slowed down for.
  public var delayMicroseconds: UInt64 = 0

  /// The values that follow from the memory budget, in bytes, by name.
  public var derivedOptions: [(name: String, bytes: UInt64)] = []
}

extension Engine {
  func currentMetrics() -> StoreMetrics {
    let view = views.pinned()
    var metrics = StoreMetrics()
    addContent(of: view, to: &metrics)
    let recorder = self.metrics
    metrics.commits = recorder.commits.value
    metrics.entriesWritten = recorder.entriesWritten.value
    metrics.logBytes = recorder.logBytes.value
    metrics.logSyncs = recorder.logSyncs.value
    metrics.valueBytesWritten = recorder.valueBytesWritten.value
    metrics.skippedEntries = recorder.skippedEntries.value
    metrics.flushes = recorder.flushes.value
    metrics.flushedBytes = recorder.flushedBytes.value
    metrics.compactions = recorder.compactions.value
    metrics.compactionReadBytes = recorder.compactionReadBytes.value
    metrics.compactionWrittenBytes = recorder.compactionWrittenBytes.value
    metrics.delayedWrites = recorder.delayedWrites.value
    metrics.delayMicroseconds = recorder.delayMicroseconds.value
    metrics.lastSequence = visible.rawValue
    metrics.snapshots = snapshots.count
    metrics.keyspaces = catalog.count
    metrics.poison = poison.failure?.message
    metrics.derivedOptions = derived.named
    return metrics
  }

  private func addContent(of view: ReadView, to metrics: inout StoreMetrics) {
    let manifest = view.version.manifest
    metrics.manifestNumber = manifest.number
    for segment in manifest.segments {
      while metrics.levels.count <= Int(segment.level) { metrics.levels.append(.init()) }
      metrics.levels[Int(segment.level)].add(segment)
      metrics.liveValueBytes = metrics.liveValueBytes.addingStated(segment.referencedBytes)
    }
    metrics.valueFiles = manifest.valueFiles.count
    metrics.valueFileBytes = manifest.valueFiles.statedSum(\.size)
    metrics.frozenMemTables = view.frozen.count
    metrics.memTableBytes = view.frozenBytes + view.active.table.allocatedBytes
    metrics.memTableEntries =
      view.active.table.entryCount + view.frozen.reduce(0) { $0 + $1.table.entryCount }
  }
}

extension StoreMetrics.Level {
  fileprivate mutating func add(_ segment: SegmentRecord) {
    segments += 1
    bytes = bytes.addingStated(segment.size)
    entries = entries.addingStated(segment.entryCount)
  }
}

extension DerivedOptions {
  /// Each value by name, for people.
  var named: [(name: String, bytes: UInt64)] {
    [
      ("memtable", UInt64(memTableBytes)),
      ("frozen memtables at most", UInt64(frozenMemTables * memTableBytes)),
      ("block cache", UInt64(blockCacheBytes)),
      ("log", logBytes),
      ("value file", valueFileBytes),
    ]
  }
}
