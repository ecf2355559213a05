import VarveFormat
import VarvePlatform

/// What a user may tune. Nearly everything derives from ``memoryBudget``; `varve stats` prints the
/// derived values.
public struct StoreOptions: Sendable {
  /// Who may change the store.
  public enum Access: Sendable {
    /// One writer, exclusive; the store is made when it is missing and ``createIfMissing`` is set.
    case readWrite
    /// Any number of readers while nobody writes; not a byte of a cleanly closed store changes.
    case readOnly
  }

  /// How segments and value files are read.
  public enum ReadMode: Sendable {
    /// Mapped into memory: no copy and no call. An I/O error of the device ends the process.
    case mapped
    /// By `pread` through a cache: each read is checked again, I/O errors are thrown.
    case buffered
  }

  /// Who may change the store.
  public var access: Access = .readWrite

  /// Makes the directory and an empty store where there is none; not among other files.
  public var createIfMissing = true

  /// Bytes of anonymous memory the store may use: memtables, caches, buffers. The default is a
  /// quarter of the machine's memory, at most 1 GiB; at least 8 MiB.
  public var memoryBudget: Int

  /// How segments and value files are read.
  public var readMode: ReadMode = .mapped

  /// Bytes a second that flush and compaction together may write; nil for no limit.
  public var backgroundWriteRate: Int?

  /// Bytes a segment grows to before compaction starts the next one.
  public var segmentBytes = 64 << 20

  /// Bytes of the first log of an opening, and of the smallest after it: see `LogSizing`.
  package var firstLogBytes: UInt64 = 1 << 20

  /// Bytes of a memtable, whatever the budget: tests fill many with little.
  package var largestMemTableBytes = 64 << 20

  /// Bytes of a value file before the next one is begun: tests fill many with little.
  package var valueFileBytes: UInt64 = 64 << 20

  /// A bucket for copies of the store's files; nil: everything stays on this machine.
  public var bucket: BucketOptions?

  /// Told about flushes, compactions, recoveries and failures, on the thread that did the work, which
  /// waits. It may use the store, and close it or let it go.
  public var onEvent: (@Sendable (StoreEvent) -> Void)?

  /// The defaults, for this machine.
  public init() {
    memoryBudget = min(1 << 30, max(8 << 20, SystemMemory.byteCount / 4))
  }
}

/// The values that follow from the options; see `varve stats`.
struct DerivedOptions: Sendable {
  /// Bytes a memtable may hold before it is frozen.
  var memTableBytes: Int
  /// Frozen memtables that are gathered for one flush while writers are busy.
  var gatheredMemTables: Int
  /// Frozen memtables that may wait for the flush before writers wait for it.
  var frozenMemTables: Int
  /// Bytes that a flush of gathered memtables writes at most, about: a quarter of a memtable is its
  /// own tree.
  var flushBytes: Int { gatheredMemTables * memTableBytes / 4 * 3 }
  /// Bytes of parts of cold files.
  var coldBytes: Int
  /// Bytes of uncompressed blocks kept for compressed or buffered reads.
  var blockCacheBytes: Int
  /// Bytes of the first and of the largest log prepared ahead.
  var firstLogBytes: UInt64
  var logBytes: UInt64
  /// Bytes of a value file before the next one is begun: few enough to choose well which to empty.
  var valueFileBytes: UInt64
  /// Bytes of values behind a memtable's pointers at which it is frozen: what a recovery writes again.
  var unflushedValueBytes: UInt64

  init(_ options: StoreOptions) {
    memTableBytes = min(options.largestMemTableBytes, max(1 << 20, options.memoryBudget / 8))
    // Half of the budget is for memtables, the active one among them; while those that were gathered
    // are flushed, others fill.
    frozenMemTables = min(6, options.memoryBudget / 2 / memTableBytes - 1)
    gatheredMemTables = (frozenMemTables + 2) / 2
    // Parts of cold files take their share from it.
    coldBytes = options.bucket == nil ? 0 : options.memoryBudget / 8
    blockCacheBytes = options.memoryBudget / 4 - coldBytes
    firstLogBytes = min(options.firstLogBytes, UInt64(memTableBytes))
    logBytes = UInt64(memTableBytes)
    valueFileBytes = options.valueFileBytes
    unflushedValueBytes = 256 << 20
  }
}

extension StoreOptions {
  /// Throws `.invalid` for values that cannot be meant, naming each.
  func check() throws(StoreError) {
    var problems: [String] = []
    if memoryBudget < 8 << 20 { problems.append("memoryBudget is below 8 MiB") }
    if !(64 << 10...1 << 40).contains(segmentBytes) {
      problems.append("segmentBytes is not 64 KiB to 1 TiB")
    }
    if let rate = backgroundWriteRate, rate < 1 << 20 {
      problems.append("backgroundWriteRate is below 1 MiB a second")
    }
    if let interval = bucket?.uploadInterval, !(1...31_536_000).contains(interval) {
      problems.append("bucket.uploadInterval is not 1 second to a year")
    }
    if let interval = bucket?.collectInterval, !(1...31_536_000).contains(interval) {
      problems.append("bucket.collectInterval is not 1 second to a year")
    }
    if let interval = bucket?.refreshInterval, !(1...31_536_000).contains(interval) {
      problems.append("bucket.refreshInterval is not 1 second to a year")
    }
    if let interval = bucket?.logInterval, !(1...31_536_000).contains(interval) {
      problems.append("bucket.logInterval is not 1 second to a year")
    }
    if let seconds = bucket?.localSeconds, !(1...3_153_600_000).contains(seconds) {
      problems.append("bucket.localSeconds is not 1 second to 100 years")
    }
    if let bytes = bucket?.logBytes, !(1...LogBacklog.mostBytes).contains(bytes) {
      problems.append("bucket.logBytes is not 1 byte to 64 MiB")
    }
    guard problems.isEmpty else {
      throw StoreError(.invalid, "options: " + problems.joined(separator: "; "))
    }
  }
}
