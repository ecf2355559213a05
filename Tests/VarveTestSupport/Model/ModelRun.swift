import Varve
package import VarvePlatform
package import VarveSimulation

/// Performs operations on a store, on a simulated disk, and on its model, and compares all that they show.
///
/// ```
///   operation ─┬─> store ──> output ──┐
///              └─> model ──> output ──┴─> the same? ──> trace
/// ```
///
/// After a power cut the model goes on from what was found, which must be the content after some change
/// between the last durable one and the last one begun:
///
/// ```
///   durable   change  change  change (in the call that the power went in)
///      |<------- any of these ------->|
/// ```
package struct ModelRun {
  /// What came of a list of operations.
  package struct Outcome: Sendable {
    /// What differed, and in which operation; nil where nothing did.
    package var failure: (place: Int, what: String)?
    /// Of every output.
    package var trace: UInt64
    /// Power cuts that took place: those that are planned may never come.
    package var powerCuts: Int
    /// What else took place, and how often.
    package var tally = Tally()
  }

  /// What was done with a bucket, of that which is not always possible.
  package struct Tally: Sendable {
    /// Reads that were told that the bucket does not answer.
    package var unanswered = 0
    /// Stores that were opened on another machine, to be looked at or to go on.
    package var elsewhere = 0
    /// Contents that a replica was found to show.
    package var replicas = 0
    /// Contents that a replica's snapshot was found to show.
    package var replicaSnapshots = 0
    /// Evictions that took something from the machine.
    package var evictions = 0

    package init() {}

    package static func += (left: inout Tally, right: Tally) {
      left.unanswered += right.unanswered
      left.elsewhere += right.elsewhere
      left.replicas += right.replicas
      left.replicaSnapshots += right.replicaSnapshots
      left.evictions += right.evictions
    }
  }

  /// The store and the model disagree.
  struct Difference: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
  }

  /// A keyspace that is there, or was until it was dropped.
  struct Holder {
    var keyspace: Keyspace
    var isLive = true
  }

  /// A snapshot, and what was there when it was taken.
  struct KeptSnapshot {
    var snapshot: Snapshot
    var model: StoreModel
    var holders: [Holder?]
  }

  /// The power will go in this call of the disk.
  struct PlannedCut {
    var step: Int
    var mode: CrashMode
    var seed: UInt64
  }

  /// Where a store lies that is not on a simulated disk: there the power never goes, the process ends.
  package struct Place {
    var fileSystem: any FileSystem
    var path: String

    package init(_ fileSystem: any FileSystem, _ path: String) {
      self.fileSystem = fileSystem
      self.path = path
    }
  }

  let options: ModelOptions
  var place: Place?
  let clock: ModelClock
  var disk: SimulatedFileSystem
  var store: SegmentStore?
  var holders: [Holder?] = [Holder?](repeating: nil, count: ModelOptions.names.count)
  var model: StoreModel
  /// The model as it is known to be durable, and what has changed since, in order.
  var durable: StoreModel
  var pending: [StoreModel.Change] = []
  var snapshots = [KeptSnapshot?](repeating: nil, count: 4)
  var cursors = [KeptCursor?](repeating: nil, count: 3)
  var plannedCut: PlannedCut?
  /// Nil where the store has no bucket.
  var side: BucketSide?
  var powerCuts = 0
  var tally = Tally()
  var trace = TraceHash()
  /// Whether bytes are lent to the store, where it has calls for that.
  var lends = false
  /// Every key that was ever written to a keyspace or deleted there, and the bytes of the largest entry.
  var written = [Set<[UInt8]>](repeating: [], count: ModelOptions.names.count)
  var largestEntryBytes = 0

  private init(_ options: ModelOptions, at place: Place?) {
    self.options = options
    self.place = place
    clock = ModelClock(isRunning: options.background == .threads)
    disk = SimulatedFileSystem(
      seed: UInt64(options.seed), logsAreReusable: options.logsAreReusable)
    model = StoreModel(keyspaces: ModelOptions.names.count, now: clock.wallMilliseconds())
    durable = model
    if options.bucket != nil { side = BucketSide(options, model) }
  }

  /// Performs all of them, then compares everything and closes, and lets the verifier look at the files.
  ///
  /// - Parameters:
  ///   - place: an empty directory, or none yet, beside which other machines have theirs; nil for a simulated
  ///     disk.
  ///   - prepare: done to the simulated disk before it is first used.
  package static func outcome(
    of operations: [ModelOperation], _ options: ModelOptions, at place: Place? = nil,
    preparing prepare: (SimulatedFileSystem) -> Void = { _ in }
  ) -> Outcome {
    var run = ModelRun(options, at: place)
    prepare(run.disk)
    var reached = -1
    var failure: (Int, String)?
    do {
      try run.open()
      for operation in operations {
        reached += 1
        try run.step(operation)
      }
      reached += 1
      try run.finish()
    } catch {
      failure = (reached, "\(error)")
    }
    return Outcome(
      failure: failure, trace: run.trace.value, powerCuts: run.powerCuts, tally: run.tally)
  }

  private mutating func finish() throws {
    plannedCut = nil
    disk.crash(atStep: .max)
    try compareAll()
    side?.endOutage()
    try reopen()
    try compareElsewhere(.newest)
    try refreshReplica()
    letGo()
    try store?.close()
    store = nil
    // Of what only the bucket has it says so.
    let bucket = side?.isDetached == false ? side?.bucket.connect() : nil
    try StoreVerifier(at: path, bucket: bucket, on: fileSystem).run(.deep) { finding in
      throw Difference("the verifier found \(finding)")
    }
  }
}

// MARK: - Operations

extension ModelRun {
  /// Performs one. Where the machine dies in it whatever it throws is forgotten, and the machine starts again.
  private mutating func step(_ operation: ModelOperation) throws {
    do {
      try perform(operation)
    } catch {
      guard disk.hasCrashed, error is StoreError else { throw error }
    }
    if disk.hasCrashed { try recover() }
  }

  private mutating func perform(_ operation: ModelOperation) throws {
    switch operation {
    case .makeKeyspace, .dropKeyspace, .put, .delete, .commit, .commitReused:
      try change(operation)
    case .get, .getMany, .scan, .openCursor, .moveCursor, .getVector, .scanVectors, .fetch,
      .scanOnThread, .scanBetween, .approximateSize:
      try read { run in try run.look(operation) }
    case .lent(let operation):
      lends = true
      defer { lends = false }
      try perform(operation)
    case .makeWrongVectors(let dimension): try makeWrongVectors(dimension: dimension)
    case .closeCursor(let cursor): cursors[cursor] = nil
    case .takeSnapshot(let slot):
      snapshots[slot] = KeptSnapshot(
        snapshot: try opened.snapshot(), model: model, holders: holders)
    case .closeSnapshot(let slot):
      snapshots[slot]?.snapshot.close()
      snapshots[slot] = nil
    case .sync, .flush, .compact: try makeDurable(operation)
    case .pause: try opened.pauseCompaction()
    case .resume: try opened.resumeCompaction()
    case .pass(let milliseconds): try pass(milliseconds)
    case .reopen: try reopen()
    case .kill: try kill()
    case .openForReading(let isKilled): try openForReading(afterKill: isKilled)
    case .crash(let calls, let mode, let seed): try planCut(after: calls, mode, UInt64(seed))
    case .compareAll: try compareAll()
    default: try perform(withBucket: operation)
    }
  }

  private mutating func look(_ operation: ModelOperation) throws {
    switch operation {
    case .get(let keyspace, let key, let slot): try get(keyspace, modelKey(key), at: slot)
    case .getMany(let keyspace, let keys, let slot):
      try getMany(keyspace, keys.map(modelKey), at: slot)
    case .scan(let keyspace, let range, let order, let keysOnly, let slot):
      try scan(keyspace, range.keyRange, order, keysOnly: keysOnly, at: slot)
    case .openCursor(let cursor, let keyspace, let range, let order, let slot):
      try openCursor(cursor, on: keyspace, range.keyRange, order, at: slot)
    case .moveCursor(let cursor, let moves):
      for move in moves { try self.move(cursor, move) }
    case .getVector(let keyspace, let key, let number, let slot):
      try getVector(keyspace, modelKey(key), as: number, at: slot)
    case .scanVectors(let keyspace, let range, let order, let number, let slot):
      try scanVectors(keyspace, range.keyRange, order, as: number, at: slot)
    case .fetch(let keyspace, let keys, let slot):
      try fetch(keyspace, keys.map(modelKey), at: slot)
    case .scanOnThread(let keyspace, let slot): try scanOnThread(keyspace, at: slot)
    case .scanBetween(let keyspace, let one, let other, let order, let slot):
      try scan(keyspace, betweenKeys: modelKey(one), modelKey(other), order, at: slot)
    case .approximateSize(let keyspace, let range):
      try approximateSize(keyspace, of: range.keyRange)
    default: break
    }
  }

  var fileSystem: any FileSystem { place?.fileSystem ?? disk }

  var path: String { place?.path ?? "store" }

  var opened: SegmentStore {
    get throws {
      guard let store else { throw Difference("no store is open") }
      return store
    }
  }

  private mutating func pass(_ milliseconds: Int) throws {
    // The store knows a time once it has looked at the clock, as it does for a snapshot.
    try opened.snapshot().close()
    clock.pass(milliseconds)
    try opened.snapshot().close()
    model.now = max(model.now, clock.wallMilliseconds())
  }
}

/// The clock of a run: the wall's moves as it is told. The other one runs by itself where the store has
/// threads, which sleep by it.
final class ModelClock: Clock {
  private let simulated = SimulatedClock()
  private let running: SystemClock?

  init(isRunning: Bool) { running = isRunning ? SystemClock() : nil }

  func wallMilliseconds() -> UInt64 { simulated.wallMilliseconds() }

  func monotonicNanoseconds() -> UInt64 {
    running?.monotonicNanoseconds() ?? simulated.monotonicNanoseconds()
  }

  /// Lets the clocks run on; below zero, sets the wall's back.
  func pass(_ milliseconds: Int) {
    if milliseconds >= 0 {
      simulated.advance(milliseconds: UInt64(milliseconds))
    } else {
      simulated.setWall(milliseconds: simulated.wallMilliseconds() - UInt64(-milliseconds))
    }
  }

  /// An opening knows the time of the last manifest, no later one: the wall's clock is no further back.
  func catchUp(with time: UInt64) {
    simulated.setWall(milliseconds: max(simulated.wallMilliseconds(), time))
  }
}
