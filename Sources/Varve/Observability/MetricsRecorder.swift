import Synchronization

/// The counters behind ``StoreMetrics``, each an atomic of its own.
final class MetricsRecorder: Sendable {
  let commits = Counter()
  let entriesWritten = Counter()
  let logBytes = Counter()
  let logSyncs = Counter()
  let valueBytesWritten = Counter()
  let flushes = Counter()
  let flushedBytes = Counter()
  let compactions = Counter()
  let compactionReadBytes = Counter()
  let compactionWrittenBytes = Counter()
  let delayedWrites = Counter()
  let delayMicroseconds = Counter()
  let skippedEntries = Counter()

  init() {}
}

/// A number that only grows.
final class Counter: Sendable {
  private let total = Atomic<UInt64>(0)

  init() {}

  func add(_ count: Int) { total.wrappingAdd(UInt64(count), ordering: .relaxed) }

  func add(_ count: UInt64) { total.wrappingAdd(count, ordering: .relaxed) }

  /// For what one thread at a time counts, the commit leader: spares the processor's lock.
  func addAlone(_ count: UInt64) {
    total.store(total.load(ordering: .relaxed) &+ count, ordering: .relaxed)
  }

  var value: UInt64 { total.load(ordering: .relaxed) }
}
