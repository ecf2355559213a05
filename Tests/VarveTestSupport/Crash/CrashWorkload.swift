package import Varve
package import VarvePlatform
package import VarveSimulation

/// A fixed list of acts on a store, with the content that must be there after each.
///
/// ```
///   acts        put  batch  flush  put  compact  close+open ...
///   states   0   1     2      2     3      3        3            what a reader sees after each
///            |         |<--- a crash here may leave any of these --->|
///          durable (acknowledged as synced)                      invoked
/// ```
package struct CrashWorkload: Sendable {
  package typealias Content = [String: [[UInt8]: [UInt8]]]

  package enum Act: Sendable {
    case makeKeyspace(String)
    case dropKeyspace(String)
    /// Keyspace, key and value (nil deletes), all in one batch.
    case commit([(String, [UInt8], [UInt8]?)], Durability)
    case sync
    case flush
    case compact
    /// Compares what the snapshot before it shows with what was there then, and takes another.
    case snapshot
    case reopen
    /// Nobody writes for a while: the log then says how far all is durable.
    case rest
    /// These have a bucket: make it hold everything, let files go, bring them back, remove garbage from it.
    case upload
    case evict
    case prefetch
    case collect
    /// What waits for the bucket's next log is put, as the background does after a while.
    case putLogs
    /// The store is opened while the bucket does not answer, written to, and opened with the bucket again.
    case commitApart([(String, [UInt8], [UInt8]?)])
  }

  package var acts: [Act] = []
  /// The content after so many acts.
  package private(set) var states: [Content] = [["default": [:]]]
  /// How the store is read.
  package var readMode = StoreOptions.ReadMode.mapped
  /// From which the store and its files get their identities.
  package var identity: UInt64 = 7

  package init() {}

  package mutating func add(_ act: Act) {
    var content = states[states.count - 1]
    switch act {
    case .makeKeyspace(let name): content[name] = content[name] ?? [:]
    case .dropKeyspace(let name): content[name] = nil
    case .commit(let writes, _), .commitApart(let writes):
      for (keyspace, key, value) in writes { content[keyspace]?[key] = value }
    case .sync, .flush, .compact, .snapshot, .reopen, .rest: break
    case .upload, .evict, .prefetch, .collect, .putLogs: break
    }
    acts.append(act)
    states.append(content)
  }

  /// A varied list of about `count` acts: several keyspaces, batches across them, large values both
  /// inline and in value files, deletes, flushes, compactions, reopenings.
  package init(varied count: Int, seed: UInt64, shape: Shape = Shape()) {
    self.init()
    readMode = seed & 2 == 0 ? .mapped : .buffered
    identity = seed
    var random = SeededRandom(seed: seed)
    add(.makeKeyspace("a"))
    add(.makeKeyspace("b"))
    while acts.count < count {
      switch shape.commitsOnly ? 19 : random.below(20) {
      case 0: add(.sync)
      case 1, 2: add(.flush)
      case 3: add(.compact)
      case 4 where shape.reopens: add(.reopen)
      case 6: add(.snapshot)
      case 13: add(.rest)
      case 5 where acts.count > count / 2:
        let exists = states[states.count - 1]["b"] != nil
        add(exists ? .dropKeyspace("b") : .makeKeyspace("b"))
      case 7 where shape.hasBucket, 8 where shape.hasBucket: add(.upload)
      case 9 where shape.hasBucket: add(.evict)
      case 10 where shape.hasBucket: add(random.below(3) == 0 ? .collect : .prefetch)
      case 12 where shape.hasBucket: add(.putLogs)
      case 11 where shape.hasBucket:
        add(.commitApart(writes(&random, shape)))
        // At once, before anything else is durable.
        add(.upload)
      default:
        let writes = writes(&random, shape)
        add(.commit(writes, shape.durability ?? durability(&random, shape)))
      }
    }
  }

  private func durability(_ random: inout SeededRandom, _ shape: Shape) -> Durability {
    if random.below(3) < shape.bufferedOfThree { return .buffered }
    return shape.hasBucket && random.below(3) == 0 ? .remote : .synced
  }

  private func writes(
    _ random: inout SeededRandom, _ shape: Shape
  ) -> [(String, [UInt8], [UInt8]?)] {
    let keyspaces = states[states.count - 1].keys.sorted()
    let isLarge = random.below(shape.largeOneIn) == 0
    // Half of what a log holds and more: the next one is begun without a flush, made now where the one
    // that was prepared is too small.
    let isBulk = random.below(shape.bulkOneIn) == 0
    let count = isBulk ? 8 + random.below(19) : 1 + random.below(isLarge ? 30 : 6)
    return (0..<count).map { _ in
      let keyspace = keyspaces[random.below(keyspaces.count)]
      let key = Array("key-\(random.below(shape.keys))".utf8)
      if random.below(5) == 0 { return (keyspace, key, nil) }
      if isBulk { return (keyspace, key, random.bytes(500 + random.below(400))) }
      let large = shape.largeBytes
      let count =
        isLarge
        ? large.lowerBound + random.below(large.count) : random.below(6) == 0 ? 1_200 : 40
      return (keyspace, key, random.bytes(count))
    }
  }
}

// MARK: - Running

extension CrashWorkload {
  /// Between which states a crash now must find the store.
  package struct Progress: Sendable {
    package var durable = 0
    /// Acknowledged, durable or not: the end of the process must not lose it.
    package var done = 0
    package var invoked = 0
    /// The state from which on the bucket has everything, and nothing is lost with the machine.
    package var confirmed: Int?
    /// Whether all files are on this machine.
    package var isWhole = true

    package init() {}

    fileprivate mutating func begin(_ act: Act, _ index: Int) {
      invoked = index + 1
      if case .evict = act { isWhole = false }
    }

    fileprivate mutating func end(_ act: Act, _ index: Int, isDurable: Bool) {
      done = index + 1
      if isDurable { durable = index + 1 }
      switch act {
      case .upload, .putLogs, .commit(_, .remote): confirmed = index + 1
      case .prefetch: isWhole = true
      default: break
      }
    }
  }

  /// Opens the store at `store` of a simulated machine.
  package static func open(
    _ system: SimulatedFileSystem, readMode: StoreOptions.ReadMode = .mapped,
    access: StoreOptions.Access = .readWrite, identity: UInt64 = 7
  ) throws -> SegmentStore {
    var opening = CrashMachine.Opening()
    opening.options.readMode = readMode
    opening.options.access = access
    opening.identity = identity
    return try CrashMachine(system).open(opening)
  }

  /// How this workload opens its store.
  package var opening: CrashMachine.Opening {
    var opening = CrashMachine.Opening()
    opening.options.readMode = readMode
    // One of two leaves a value file for the next one again and again.
    if identity & 4 == 0 { opening.options.valueFileBytes = 24 << 10 }
    opening.identity = identity
    return opening
  }

  /// The name of what is being done.
  package func act(_ progress: Progress) -> String {
    if progress.invoked > progress.done { return acts[progress.done].name }
    return progress.done == 0 ? "open" : "close"
  }

  /// Opens the store as this workload does.
  package func open(on system: SimulatedFileSystem) throws -> SegmentStore {
    try CrashMachine(system).open(opening)
  }

  /// Runs every act, telling `progress` before and after each.
  package func run(on system: SimulatedFileSystem, progress: Monitor<Progress>) throws {
    try run(on: CrashMachine(system), progress: progress)
  }

  /// The same on a machine that may have a bucket.
  package func run(on machine: CrashMachine, progress: Monitor<Progress>) throws {
    var run = try WorkloadRun(of: self) { hasBucket in
      var opening = opening
      opening.hasBucket = hasBucket
      return try machine.open(opening)
    }
    for (index, act) in acts.enumerated() {
      progress.withLock { $0.begin(act, index) }
      let isDurable = try run.perform(index)
      progress.withLock { $0.end(act, index, isDurable: isDurable) }
    }
    try run.store.close()
  }
}
