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
  }

  /// How much a varied workload writes of what.
  package struct Shape: Sendable {
    /// Keys in each keyspace: few are written again and again, many pile up.
    package var keys = 40
    /// The sizes of the values that are large.
    package var largeBytes = 2_000..<5_000
    /// One of so many commits is large.
    package var largeOneIn = 8
    /// How many of three commits are buffered; the others are synced.
    package var bufferedOfThree = 1
    /// Of every commit, where it is not mixed.
    package var durability: Durability?
    /// Whether the store is closed and opened again now and then.
    package var reopens = true
    /// Whether there is nothing but commits: nothing that syncs, where they are buffered.
    package var commitsOnly = false

    package init() {}

    /// Large values that nothing has synced most of the time: a power cut tears them.
    package static var careless: Shape {
      var shape = Shape()
      (shape.largeOneIn, shape.bufferedOfThree) = (2, 2)
      return shape
    }

    /// Fills a disk within some hundred acts, by streams of large values too.
    package static var filling: Shape {
      var shape = Shape()
      (shape.keys, shape.largeBytes) = (1_000, 20_000..<160_000)
      return shape
    }
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
    case .commit(let writes, _):
      for (keyspace, key, value) in writes { content[keyspace]?[key] = value }
    case .sync, .flush, .compact, .snapshot, .reopen: break
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
      case 5 where acts.count > count / 2:
        let exists = states[states.count - 1]["b"] != nil
        add(exists ? .dropKeyspace("b") : .makeKeyspace("b"))
      default:
        let writes = writes(&random, shape)
        let usual: Durability = random.below(3) < shape.bufferedOfThree ? .buffered : .synced
        add(.commit(writes, shape.durability ?? usual))
      }
    }
  }

  private func writes(
    _ random: inout SeededRandom, _ shape: Shape
  ) -> [(String, [UInt8], [UInt8]?)] {
    let keyspaces = states[states.count - 1].keys.sorted()
    let isLarge = random.below(shape.largeOneIn) == 0
    // Half of what a log holds and more: the next one is begun without a flush, made now where the one
    // that was prepared is too small.
    let isBulk = random.below(4) == 0
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
    package var invoked = 0

    package init() {}
  }

  /// Opens the store at `store` of a simulated machine.
  package static func open(
    _ system: SimulatedFileSystem, readMode: StoreOptions.ReadMode = .mapped,
    access: StoreOptions.Access = .readWrite, identity: UInt64 = 7
  ) throws -> SegmentStore {
    var options = StoreOptions.small
    options.readMode = readMode
    options.access = access
    // Where time passes between two looks at the clock, a log is not full within no time, so that the
    // next one is as small and logs are changed often.
    let clock = SimulatedClock(nanosecondsOfALook: identity % 3 == 0 ? 0 : 60_000_000_000)
    return try SegmentStore.open(
      at: "store", options: options,
      components: StoreComponents(
        fileSystem: system, clock: clock, random: SimulatedRandom(seed: identity),
        background: .inline))
  }

  /// Opens the store as this workload does.
  package func open(on system: SimulatedFileSystem) throws -> SegmentStore {
    try Self.open(system, readMode: readMode, identity: identity)
  }

  /// Runs every act, telling `progress` before and after each.
  package func run(on system: SimulatedFileSystem, progress: Monitor<Progress>) throws {
    var run = try WorkloadRun(of: self) { try open(on: system) }
    for index in acts.indices {
      progress.withLock { $0.invoked = index + 1 }
      if try run.perform(index) { progress.withLock { $0.durable = index + 1 } }
    }
    try run.store.close()
  }
}

// MARK: - Judging

extension CrashWorkload {
  /// Everything a reader finds in the store.
  package static func content(of store: SegmentStore) throws -> Content {
    var content: Content = [:]
    for keyspace in store.keyspaces {
      var entries: [[UInt8]: [UInt8]] = [:]
      try keyspace.forEach { entries[[UInt8](copying: $0)] = [UInt8](copying: $1) }
      content[keyspace.name] = entries
    }
    return content
  }

  /// What a crash may leave when so much was reached.
  package func allowed(_ progress: Progress) -> [Content] {
    Array(states[progress.durable...progress.invoked])
  }

  /// Opens what a crash left and says what is wrong with it; nil when all is well.
  ///
  /// The store must open, hold what a crash may leave, take a write, and hold the same and that write
  /// after it was opened again.
  ///
  /// - Parameter isVerified: whether the verifier is asked too, of all bytes, when the store is closed.
  package func judge(
    _ image: SimulatedFileSystem, _ allowed: [Content], isVerified: Bool = false
  ) -> String? {
    do {
      let store = try open(on: image)
      var content = try Self.content(of: store)
      guard allowed.contains(content) else {
        return "none of the \(allowed.count) states that may be there holds what was found"
      }
      try Self.put("after the crash", into: store, &content)
      try store.close()
      let again = try open(on: image)
      guard try Self.content(of: again) == content else {
        return "the next opening found something else"
      }
      try again.close()
      return isVerified ? try Self.finding(of: image) : nil
    } catch {
      return "\(error)"
    }
  }

  /// Puts an entry of that name, synced, into the store and what is known of it.
  package static func put(
    _ name: String, into store: SegmentStore, _ content: inout Content
  ) throws {
    content["default"]?[Array(name.utf8)] = Array("written".utf8)
    try store.keyspace("default").put(name, "written")
  }

  /// The first thing that the verifier has to say.
  private static func finding(of image: SimulatedFileSystem) throws -> String? {
    var first: IntegrityFinding?
    try StoreVerifier(at: "store", on: image).run(.deep) { first = first ?? $0 }
    return first.map { "the verifier found \($0)" }
  }
}
