import Synchronization
import Varve
import VarvePlatform
import VarveSimulation

/// Many threads at one store, each with a record of what it did and saw, which ``HistoryChecker`` judges.
///
/// ```
///   writers (3)   batches over all keyspaces, each one round on; some synced
///   readers       gets, many gets, scans both ways, a snapshot kept a while, a cursor refreshed
///   upkeep        flush, compaction, sync
///   power cuts    disks that one could leave now, opened and read: only on a simulated disk
///   at the end    close, open, read
/// ```
package final class ThreadStress: Sendable {
  /// What came of it.
  package struct Report: Sendable {
    package var writes = 0
    package var moments = 0
    package var sightings = 0
    package var kills = 0
    package var powerCuts = 0
    /// What is wrong with the history, or was thrown.
    package var failures: [String] = []

    package init() {}

    package mutating func add(_ other: Report) {
      writes += other.writes
      moments += other.moments
      sightings += other.sightings
      kills += other.kills
      powerCuts += other.powerCuts
      failures += other.failures
    }
  }

  static let writerCount = 3
  static let keyspaceNames = ["one", "two", "three"]
  /// Records of a thread: more would only take memory.
  static let mostRecords = 20_000

  let seed: UInt64
  let store: SegmentStore
  let keyspaces: [Keyspace]
  /// The disk, where it is a simulated one.
  let disk: SimulatedFileSystem?
  let clock = SystemClock()
  let isOver = Atomic<Bool>(false)
  let histories = Monitor<[HistoryRecord]>([])
  let failures = Monitor<[String]>([])

  private init(_ store: SegmentStore, _ disk: SimulatedFileSystem?, seed: UInt64) throws {
    self.seed = seed
    self.store = store
    self.disk = disk
    var random = SeededRandom(seed: seed)
    keyspaces = try Self.keyspaceNames.map { name in
      var policy = KeyspacePolicy()
      policy.compression = [.automatic, .none, .lz4][random.below(3)]
      policy.largeValueBytes = [200, 1024, 1 << 20][random.below(3)]
      policy.blockBytes = 4 << 10
      return try store.keyspace(name, policy)
    }
  }

  /// Lets them all go for a time, on a store of options that the seed decides.
  package static func run(
    on kind: FileSystemKind, seed: UInt64, milliseconds: UInt64
  ) throws -> Report {
    try kind.withDirectory { _, fileSystem, path in
      var random = SeededRandom(seed: seed)
      let options = ModelOptions(using: &random, background: .threads).storeOptions
      let open = { () throws in
        try SegmentStore.open(
          at: path, options: options,
          components: StoreComponents(
            fileSystem: fileSystem, clock: SystemClock(), random: SystemRandom(),
            background: .threads))
      }
      let stress = try ThreadStress(open(), fileSystem as? SimulatedFileSystem, seed: seed)
      try stress.work(milliseconds)
      try stress.store.close()
      try stress.readAgain(open())
      return stress.report
    }
  }

  private func work(_ milliseconds: UInt64) throws {
    var bodies = (0..<Self.writerCount).map { writer in
      { @Sendable (recorder: inout Recorder) throws in try self.write(writer, &recorder) }
    }
    bodies += [get, getMany, scan, keepSnapshots, keepCursors, flush, compact, sync]
    if disk != nil { bodies.append(cutPower) }
    let threads = try bodies.enumerated().map { number, body in
      try WorkerThread(name: "stress \(number)") { self.run(number, body) }
    }
    Self.sleep(milliseconds)
    isOver.store(true, ordering: .relaxed)
    for thread in threads { thread.join() }
  }

  static func sleep(_ milliseconds: UInt64) {
    let deadline = SystemClock().monotonicNanoseconds() + milliseconds * 1_000_000
    _ = Monitor(false).wait(until: deadline) { $0 }
  }

  /// Calls `body` again and again, until it is over or something is thrown, which ends it for all.
  private func run(_ number: Int, _ body: (inout Recorder) throws -> Void) {
    var recorder = Recorder(thread: number, seed: seed, clock: clock)
    do {
      while !isOver.load(ordering: .relaxed), recorder.records.count < Self.mostRecords {
        try body(&recorder)
      }
    } catch {
      failures.withLock { $0.append("thread \(number): \(error)") }
      isOver.store(true, ordering: .relaxed)
    }
    histories.withLock { $0 += recorder.records }
  }

  private func readAgain(_ again: SegmentStore) throws {
    var recorder = Recorder(thread: -1, seed: seed, clock: clock)
    try recorder.note { try .found(Self.sightings(of: again), .close) }
    histories.withLock { $0 += recorder.records }
    try again.close()
  }

  private var report: Report {
    let history = histories.withLock { $0 }
    var report = Report()
    report.failures = failures.withLock { $0 }
    for record in history {
      switch record.act {
      case .wrote: report.writes += 1
      case .synced: break
      case .saw(let sightings):
        report.moments += 1
        report.sightings += sightings.count
      case .found(_, .close): break
      case .found(_, .kill): report.kills += 1
      case .found(_, .powerCut): report.powerCuts += 1
      }
    }
    report.failures += HistoryChecker.findings(in: history, writers: Self.writerCount).prefix(10)
      .map { "seed \(seed): \($0)" }
    return report
  }
}

/// What a thread has at hand: its history so far, its random numbers, and what it keeps.
struct Recorder {
  let thread: Int
  let clock: SystemClock
  var random: SeededRandom
  var records: [HistoryRecord] = []
  /// The rounds that a writer has begun.
  var rounds = 0
  var cursors: [StressCursor] = []

  init(thread: Int, seed: UInt64, clock: SystemClock) {
    self.thread = thread
    self.clock = clock
    random = SeededRandom(seed: seed &* 31 &+ UInt64(bitPattern: Int64(thread)))
  }

  /// Notes what `body` did, with the ticks before and after.
  mutating func note(_ body: () throws -> HistoryRecord.Act) rethrows {
    let begin = clock.monotonicNanoseconds()
    let act = try body()
    let end = clock.monotonicNanoseconds()
    records.append(HistoryRecord(thread: thread, begin: begin, end: end, act))
  }
}
