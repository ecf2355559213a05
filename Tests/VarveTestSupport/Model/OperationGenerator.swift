package import Varve
import VarveSimulation

/// A list of operations from a seed.
///
/// Each list is of its own kind (swarm testing: Groce and others, 2012): how many keys there are, how large
/// values are, and which operations are frequent or never happen is drawn once for all of it. What every list
/// did a little of would never fill a level, or never keep a snapshot long.
package struct OperationGenerator {
  /// What is drawn, before an operation's numbers are.
  private enum Kind: CaseIterable {
    case put, delete, commit, get, getMany, scan, openCursor, moveCursor, closeCursor, takeSnapshot
    case closeSnapshot, keyspaces, sync, flush, compact, pauses, pass, reopen, kill, crash
    case getVector, scanVectors, wrongVectors, fetch, scanOnThread
    case lent, commitReused, scanBetween, approximateSize, openForReading
    // With a bucket.
    case upload, syncRemotely, evict, prefetch, collect, scrub, checkpoints, lookAtBucket
    case pauseUploads, outage, endOutage, loseCopy, openAlone, openWithBucket, detach
    case compareElsewhere, moveElsewhere, openReplica, refreshReplica, compareReplica

    var needsBucket: Bool {
      switch self {
      case .put, .delete, .commit, .get, .getMany, .scan, .openCursor, .moveCursor, .closeCursor,
        .takeSnapshot, .closeSnapshot, .keyspaces, .sync, .flush, .compact, .pauses, .pass,
        .reopen, .kill, .crash, .getVector, .scanVectors, .wrongVectors, .fetch, .scanOnThread,
        .lent, .commitReused, .scanBetween, .approximateSize, .openForReading:
        false
      default: true
      }
    }

    /// How often in a list where nothing is special.
    var usual: Int {
      switch self {
      case .put: 260
      case .delete: 70
      case .commit: 110
      case .get: 130
      case .getMany: 40
      case .scan: 90
      case .openCursor: 40
      case .moveCursor: 120
      case .closeCursor: 5
      case .takeSnapshot: 20
      case .closeSnapshot: 15
      case .keyspaces: 6
      case .sync: 8
      case .flush: 25
      case .compact: 8
      case .pauses: 5
      case .pass: 40
      case .reopen: 8
      case .kill: 4
      case .crash: 10
      case .getVector: 40
      case .scanVectors: 15
      case .wrongVectors: 2
      case .fetch: 20
      case .scanOnThread: 5
      case .lent: 60
      case .commitReused, .scanBetween, .approximateSize: 15
      case .openForReading: 4
      default: usualWithBucket
      }
    }

    private var usualWithBucket: Int {
      switch self {
      case .upload: 40
      case .evict: 35
      case .outage: 10
      case .endOutage: 14
      case .refreshReplica: 36
      case .compareElsewhere, .collect: 12
      case .checkpoints, .openReplica, .openWithBucket: 8
      case .syncRemotely, .prefetch: 6
      case .scrub, .lookAtBucket, .moveElsewhere, .compareReplica: 5
      case .openAlone, .detach, .loseCopy: 3
      default: 2
      }
    }
  }

  private var random: SeededRandom
  private let keys: Int
  private let typicalBytes: Int
  private let lives: Bool
  private let syncedOneIn: Int
  private let remoteOneIn: Int
  private let weights: [(kind: Kind, weight: Int)]
  private let total: Int

  package init(using random: inout SeededRandom, hasBucket: Bool = false) {
    keys = [12, 40, 150, 150, 600, 2_500][random.below(6)]
    typicalBytes = [20, 60, 60, 300, 900][random.below(5)]
    lives = random.below(2) == 0
    syncedOneIn = [2, 6, 20, 100][random.below(4)]
    remoteOneIn = hasBucket ? [4, 20, 60][random.below(3)] : 500
    let factors = [0, 1, 1, 1, 3]
    weights = Kind.allCases.map { kind in
      let factor = factors[random.below(factors.count)]
      // Nothing comes of a list without writes. Without a bucket each is refused, which is soon seen.
      let usual = kind.needsBucket && !hasBucket ? 0 : kind.usual
      return (kind, usual * (kind == .put ? max(1, factor) : factor))
    }
    total = weights.reduce(0) { $0 + $1.weight }
    self.random = SeededRandom(seed: random.next())
  }

  /// A list from a seed, and the options of its store.
  package static func run(
    seed: UInt64, count: Int, background: StoreComponents.Background? = nil
  ) -> (options: ModelOptions, operations: [ModelOperation]) {
    var random = SeededRandom(seed: seed)
    let options = ModelOptions(using: &random, background: background)
    var generator = OperationGenerator(using: &random, hasBucket: options.bucket != nil)
    let makers = (1..<ModelOptions.names.count).map { ModelOperation.makeKeyspace($0) }
    return (options, makers + (0..<count).map { _ in generator.next() })
  }

  package mutating func next() -> ModelOperation {
    var place = random.below(total)
    for (kind, weight) in weights {
      if place < weight { return operation(of: kind) }
      place -= weight
    }
    return .compareAll
  }
}

// MARK: - Operations

extension OperationGenerator {
  private mutating func operation(of kind: Kind) -> ModelOperation {
    switch kind {
    case .put: .put(keyspace(), key: key(), value(), life(), durability())
    case .delete: .delete(keyspace(), key: key(), durability())
    case .commit: .commit(writes(), durability())
    case .get: .get(keyspace(), key: key(), at: moment())
    case .getMany:
      .getMany(keyspace(), keys: (0..<1 + random.below(8)).map { _ in key() }, at: moment())
    case .scan:
      .scan(keyspace(), range(), order(), keysOnly: random.below(4) == 0, at: moment())
    case .openCursor: .openCursor(random.below(3), on: keyspace(), range(), order(), at: moment())
    case .moveCursor: .moveCursor(random.below(3), moves())
    case .closeCursor: .closeCursor(random.below(3))
    case .takeSnapshot: .takeSnapshot(random.below(4))
    case .closeSnapshot: .closeSnapshot(random.below(4))
    case .keyspaces: changeOfKeyspaces()
    case .sync: .sync
    case .flush: .flush
    case .compact: .compact
    case .pauses: random.below(3) == 0 ? .pause : .resume
    case .pass: pass()
    case .reopen: .reopen
    case .kill: .kill
    case .crash: crash()
    case .getVector: .getVector(keyspace(), key: key(), number(), at: moment())
    case .scanVectors: .scanVectors(keyspace(), range(), order(), number(), at: moment())
    case .wrongVectors: .makeWrongVectors(dimension: [0, -1, 1 << 40, .max][random.below(4)])
    case .fetch:
      .fetch(keyspace(), keys: (0..<1 + random.below(8)).map { _ in key() }, at: moment())
    case .scanOnThread: .scanOnThread(keyspace(), at: moment())
    case .lent:
      .lent(operation(of: [.put, .delete, .commit, .get, .moveCursor][random.below(5)]))
    case .commitReused: .commitReused(writes(), then: writes(), durability())
    case .scanBetween: .scanBetween(keyspace(), from: key(), to: key(), order(), at: moment())
    case .approximateSize: .approximateSize(keyspace(), range())
    case .openForReading: .openForReading(afterKill: random.below(2) == 0)
    default: operationWithBucket(of: kind)
    }
  }

  private mutating func operationWithBucket(of kind: Kind) -> ModelOperation {
    switch kind {
    case .syncRemotely: .syncRemotely
    case .evict: .evict(keeping: random.below(2) == 0 ? 0 : random.below(200_000))
    case .prefetch: random.below(2) == 0 ? .prefetchAll : .prefetch(most: random.below(200_000))
    case .collect: .collect(graceSeconds: [0, 0, 1, 3_600][random.below(4)])
    case .scrub: .scrub(isDeep: random.below(2) == 0, repairs: random.below(2) == 0)
    case .checkpoints:
      random.below(3) == 0
        ? .removeCheckpoint(random.below(3)) : .makeCheckpoint(random.below(3))
    case .lookAtBucket: .lookAtBucket
    case .pauseUploads: random.below(2) == 0 ? .pauseUploads : .resumeUploads
    case .outage: outage()
    case .endOutage: .endOutage
    case .loseCopy: .loseCopy(random.below(20))
    case .openAlone: .openAlone
    case .openWithBucket: .openWithBucket(isNew: random.below(2) == 0)
    case .detach: .detach
    case .compareElsewhere: .compareElsewhere(version())
    case .moveElsewhere: .moveElsewhere(version())
    case .openReplica: .openReplica
    case .refreshReplica: .refreshReplica
    case .compareReplica: .compareReplica
    default: .upload
    }
  }

  private mutating func outage() -> ModelOperation {
    let all = ModelOutage.allCases
    let kind = random.below(2) == 0 ? .refused : all[random.below(all.count)]
    return .outage(afterRequests: [0, 0, random.below(12)][random.below(3)], kind)
  }

  private mutating func version() -> ModelVersion {
    switch random.below(5) {
    case 0: .earlier(1 + random.below(6))
    case 1: .checkpoint(random.below(3))
    default: .newest
    }
  }

  private mutating func changeOfKeyspaces() -> ModelOperation {
    // Keyspace 0 refuses to go.
    if random.below(3) == 0 { return .dropKeyspace(random.below(4)) }
    return .makeKeyspace(1 + random.below(3))
  }

  private mutating func pass() -> ModelOperation {
    random.below(8) == 0
      ? .pass(milliseconds: -100 * (1 + random.below(1_000)))
      : .pass(milliseconds: 100 * random.below(15) + (random.below(3) == 0 ? random.below(3) : 0))
  }

  private mutating func crash() -> ModelOperation {
    let mode = CrashMode.allCases[random.below(CrashMode.allCases.count)]
    let calls = [0, random.below(8), random.below(60)][random.below(3)]
    return .crash(afterCalls: calls, mode, seed: random.below(1_000))
  }

  private mutating func writes() -> [ModelWrite] { (0..<1 + random.below(24)).map { _ in write() } }

  private mutating func write() -> ModelWrite {
    random.below(4) == 0
      ? .delete(keyspace(), key: key()) : .put(keyspace(), key: key(), value(), life())
  }
}

// MARK: - Their parts

extension OperationGenerator {
  private mutating func keyspace() -> Int { random.below(ModelOptions.names.count) }

  private mutating func key() -> Int { random.below(keys) }

  private mutating func value() -> ModelValue {
    let seed = random.below(1_000)
    switch random.below(300) {
    case 0: return .text(20_000 + random.below(70_000), seed)
    case 1..<20: return .noise(1_000 + random.below(6_000), seed)
    case 20..<26: return .text(0, 0)
    // What a keyspace of vectors takes.
    case 26..<45: return .noise([40, 256][random.below(2)], seed)
    case 45..<60: return .vector([10, 64, 1 + random.below(99)][random.below(3)], seed)
    case 60..<160: return .noise(1 + random.below(typicalBytes), seed)
    default: return .text(1 + random.below(typicalBytes), seed)
    }
  }

  private mutating func life() -> ModelLife {
    guard lives else { return .usual }
    switch random.below(12) {
    case 0, 1: return .lasting(milliseconds: 100 * (1 + random.below(30)))
    case 2: return .until(milliseconds: 100 * (random.below(30) - 10))
    default: return .usual
    }
  }

  private mutating func durability() -> Durability {
    if random.below(remoteOneIn) == 0 { return .remote }
    return random.below(syncedOneIn) == 0 ? .synced : .buffered
  }

  private mutating func moment() -> Int? { random.below(3) == 0 ? random.below(4) : nil }

  private mutating func number() -> ModelNumber {
    ModelNumber.allCases[random.below(ModelNumber.allCases.count)]
  }

  private mutating func order() -> ScanOrder {
    random.below(2) == 0 ? .ascending : .descending
  }

  private mutating func range() -> ModelRange {
    switch random.below(6) {
    case 0: .like(key())
    case 1: .from(key())
    case 2: .to(key())
    case 3: .between(key(), key())
    default: .all
    }
  }

  private mutating func moves() -> [ModelMove] {
    (0..<1 + random.below(12)).map { _ in
      switch random.below(16) {
      case 0..<8: .next
      case 8..<12: .previous
      case 12: .refresh
      default: .seek(key())
      }
    }
  }
}
