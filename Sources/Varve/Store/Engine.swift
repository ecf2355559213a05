import Synchronization
import VarveFormat
import VarveObjects
import VarvePlatform

/// The parts of one open store, wired together. What users hold are faces of it.
///
/// ```
///   SegmentStore, Keyspace, Snapshot, Cursor
///                    |
///   commit:  CommitPipeline -> WriteAheadLog -> MemTable        (Engine+Commit)
///   read:    ReadView: MemTable, frozen, Version                (Engine+Read)
///   sink:    Flush, Compaction -> SegmentWriter -> VersionSet   (Engine+Background)
/// ```
///
/// Lock order, outermost first: making or dropping a keyspace, background turn (compaction, then
/// flush), commit lead, version commit, view, catalog, snapshots; the locks of log, value files and
/// directory are innermost. Events are reported outside all of them.
@safe
final class Engine: Sendable {
  let path: String
  let options: StoreOptions
  let derived: DerivedOptions
  let background: StoreComponents.Background
  let directory: any Directory
  let fileLock: (any FileLock)?
  let random: any RandomSource

  let clock: StoreClock
  let numbers: FileNumbers
  let obsoleteFiles: ObsoleteFiles
  let poison: Poison
  let log: WriteAheadLog
  let pipeline = CommitPipeline()
  /// Memory that a flushed memtable leaves to the next one.
  let chunks: ChunkPool
  let epochs: ReadEpochs
  /// The same, uncounted: every read of every thread comes by.
  let lentEpochs: Unmanaged<ReadEpochs>
  let views: ViewBoard
  let versions: VersionSet
  let values: ValueAccess
  let placement: ValuePlacement
  let catalog = Catalog()
  let snapshots = SnapshotList()
  let metrics: MetricsRecorder
  let work: BackgroundWork
  /// Nil where the store has none, or was opened without.
  let bucket: BucketTier?
  /// Wait for the bucket in the place of tasks.
  let readThreads = ReadThreads()
  /// Nil but in a replica.
  let replica: Replica?
  /// What waits for the bucket's next log; nil where none are put there.
  let backlog: LogBacklog?
  let compactionPacer: WritePacer
  /// What writers owe to a background that is behind.
  let writePrice = PacingAccount()
  /// Held while a compaction is at work.
  let compacting = Monitor(CompactionMemory())
  /// Held while memtables become a segment; true once the store was let go.
  let flushing = Monitor(false)

  /// Everything up to it is visible.
  let visibleSequence: Atomic<UInt64>
  /// What only the commit leader touches.
  let lead: CommitLead
  /// The same, uncounted: every write comes by.
  let lentLead: Unmanaged<CommitLead>
  /// Logs that hold entries not yet in segments, oldest first. Of the current one, the last, length
  /// and sequence are known when it is left.
  let liveLogs: Monitor<[LogExtent]>
  private let isOpen = Atomic<Bool>(true)

  init(_ parts: Parts) {
    path = parts.path
    options = parts.options
    derived = parts.derived
    background = parts.components.background
    random = parts.components.random
    directory = parts.directory
    fileLock = parts.fileLock
    clock = parts.clock
    numbers = parts.numbers
    obsoleteFiles = parts.obsoleteFiles
    poison = parts.poison
    let work = BackgroundWork()
    self.work = work
    chunks = ChunkPool(keeping: parts.derived.memTableBytes, wish: { work.wantMemory() })
    epochs = parts.epochs
    unsafe lentEpochs = .passUnretained(parts.epochs)
    views = ViewBoard(parts.view, epochs: parts.epochs)
    versions = parts.versions
    values = parts.values
    metrics = parts.metrics
    bucket = parts.bucket
    replica = parts.replica
    let putsLogs = parts.bucket?.options.logInterval != nil
    backlog = putsLogs ? LogBacklog(after: parts.lastSequence) : nil
    placement = ValuePlacement(
      directory: parts.directory, numbers: parts.numbers, random: parts.components.random,
      obsoleteFiles: parts.obsoleteFiles, values: parts.values.store,
      fileBytes: parts.derived.valueFileBytes)
    log = WriteAheadLog(
      directory: parts.directory, numbers: parts.numbers, random: parts.components.random,
      storeTag: parts.view.version.manifest.storeID.low,
      sizing: LogSizing(
        smallest: parts.derived.firstLogBytes, largest: parts.derived.logBytes),
      clock: parts.clock, poison: parts.poison,
      syncValues: { [placement] () throws(StoreError) in
        try placement.sync()
      })
    compactionPacer = WritePacer(
      bytesPerSecond: parts.options.backgroundWriteRate, clock: parts.clock, work: work)
    visibleSequence = Atomic(parts.lastSequence.rawValue)
    lead = CommitLead(
      nextSequence: parts.lastSequence.rawValue + 1, active: parts.view.active)
    unsafe lentLead = .passUnretained(lead)
    liveLogs = Monitor(parts.liveLogs)
  }

  /// What opening a store has made ready.
  struct Parts {
    var path: String
    var options: StoreOptions
    var derived: DerivedOptions
    var components: StoreComponents
    var directory: any Directory
    var fileLock: (any FileLock)?
    var clock: StoreClock
    var numbers: FileNumbers
    var obsoleteFiles: ObsoleteFiles
    var poison: Poison
    var versions: VersionSet
    var values: ValueAccess
    var metrics: MetricsRecorder
    var bucket: BucketTier?
    var replica: Replica?
    var view: ReadView
    var epochs: ReadEpochs
    var lastSequence: SequenceNumber
    var liveLogs: [LogExtent]
  }
}

// MARK: - Open and closed

extension Engine {
  /// False from the beginning of ``close()`` on.
  @inline(__always)
  var isOpenNow: Bool { isOpen.load(ordering: .acquiring) }

  /// Throws `.closed` after ``close()``.
  @inline(__always)
  func checkOpen() throws(StoreError) {
    guard isOpenNow else {
      throw StoreError(.closed, "the store was closed", file: path)
    }
  }

  /// Throws unless the store may be written to.
  func checkWritable() throws(StoreError) {
    try checkOpen()
    guard options.access == .readWrite else {
      throw StoreError(.readOnly, "the store was opened for reading only", file: path)
    }
    if let bucket, bucket.isFenced {
      throw StoreError(.fenced, BucketError.fenced.description, file: path)
    }
  }

  /// Marks the store closed; false when it was already.
  func markClosed() -> Bool {
    isOpen.exchange(false, ordering: .acquiringAndReleasing)
  }

  func report(_ event: @autoclosure () -> StoreEvent) {
    if let handler = options.onEvent { handler(event()) }
  }
}
