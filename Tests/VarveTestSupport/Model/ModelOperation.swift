package import Varve
package import VarveSimulation

/// One thing to do to a store and to its model: a value that prints itself as Swift code.
///
/// Keyspaces, keys, snapshots and cursors are small numbers; what a number names is in ``ModelOptions``
/// and ``ModelRun``. Every operation can be done at any time: one on what is not there does nothing. So
/// any part of a list is a list as well, and a failing one can be cut down (``Shrinker``).
package enum ModelOperation: Equatable, Sendable {
  case makeKeyspace(Int)
  case dropKeyspace(Int)
  case put(Int, key: Int, ModelValue, ModelLife, Durability)
  case delete(Int, key: Int, Durability)
  case commit([ModelWrite], Durability)
  /// Reads in each of the ways that there are, now or at a snapshot.
  case get(Int, key: Int, at: Int?)
  case getMany(Int, keys: [Int], at: Int?)
  case scan(Int, ModelRange, ScanOrder, keysOnly: Bool, at: Int?)
  case openCursor(Int, on: Int, ModelRange, ScanOrder, at: Int?)
  case moveCursor(Int, [ModelMove])
  case closeCursor(Int)
  case takeSnapshot(Int)
  case closeSnapshot(Int)
  case sync, flush, compact, pause, resume
  /// Lets both clocks run on; below zero, sets the one on the wall back.
  case pass(milliseconds: Int)
  case reopen
  /// The process ends, and nothing else does.
  case kill
  /// The power goes in the call of the disk that comes after so many more.
  case crash(afterCalls: Int, CrashMode, seed: Int)
  /// Every keyspace whole, both ways, now and at every snapshot.
  case compareAll
  /// Reads as rows of numbers, one and all of a range.
  case getVector(Int, key: Int, ModelNumber, at: Int?)
  case scanVectors(Int, ModelRange, ScanOrder, ModelNumber, at: Int?)
  /// A keyspace of vectors that no value can have.
  case makeWrongVectors(dimension: Int)
  /// Reads of tasks: the first key by itself, then all; and a scan on a thread that may wait.
  case fetch(Int, keys: [Int], at: Int?)
  case scanOnThread(Int, at: Int?)
  case syncRemotely
  // With a bucket. Without one each is refused.
  case upload, prefetchAll
  /// Lets files go until so many bytes are left.
  case evict(keeping: Int)
  case prefetch(most: Int)
  case collect(graceSeconds: Int)
  case scrub(isDeep: Bool, repairs: Bool)
  case makeCheckpoint(Int)
  case removeCheckpoint(Int)
  case lookAtBucket, pauseUploads, resumeUploads
  /// From so many requests on the bucket does not answer; then it does again.
  case outage(afterRequests: Int, ModelOutage)
  case endOutage
  /// The bucket loses its copy of a file that is on the machine.
  case loseCopy(Int)
  /// Opens it without its bucket, which it has again when it is opened with it; one that was detached gets a
  /// new one, or takes over its own.
  case openAlone
  case openWithBucket(isNew: Bool)
  case detach
  /// Opens what the bucket has elsewhere: to look at it, or to go on there.
  case compareElsewhere(ModelVersion)
  case moveElsewhere(ModelVersion)
  case openReplica, refreshReplica, compareReplica
  /// Closes the store, or ends its process, and opens it for reading only before it is opened again.
  case openForReading(afterKill: Bool)
  /// A scan between two keys, as a range of Swift's, whichever is first.
  case scanBetween(Int, from: Int, to: Int, ScanOrder, at: Int?)
  case approximateSize(Int, ModelRange)
  /// A batch that had other writes in it, which it was told to forget.
  case commitReused([ModelWrite], then: [ModelWrite], Durability)
  /// The same by the calls for bytes that are lent, where there are such.
  indirect case lent(ModelOperation)
}

extension ModelOperation {
  /// What kind it is, for figures.
  package var name: String {
    switch self {
    case .makeKeyspace: "make a keyspace"
    case .dropKeyspace: "drop a keyspace"
    case .put: "put"
    case .delete: "delete"
    case .commit: "batch"
    case .get: "get"
    case .getMany: "get many"
    case .scan(_, _, let order, let keysOnly, _):
      keysOnly ? "scan of keys" : order == .ascending ? "scan" : "scan backward"
    case .openCursor: "open a cursor"
    case .moveCursor: "move a cursor"
    case .closeCursor: "close a cursor"
    case .takeSnapshot: "take a snapshot"
    case .closeSnapshot: "close a snapshot"
    case .pass(let milliseconds): milliseconds < 0 ? "set the clock back" : "let time pass"
    case .crash: "plan a power cut"
    case .pause, .resume: "pause or resume"
    case .sync, .flush, .compact, .reopen, .kill, .compareAll: "\(self)"
    case .getVector, .scanVectors, .makeWrongVectors, .fetch, .scanOnThread, .scanBetween,
      .approximateSize:
      nameOfReading
    case .commitReused: "batch used again"
    case .openForReading(let isKilled):
      isKilled ? "open for reading after a kill" : "open for reading"
    case .lent(let operation): "\(operation.name), bytes lent"
    default: nameOfBucket
    }
  }

  private var nameOfReading: String {
    switch self {
    case .getVector: "get a vector"
    case .scanVectors: "scan of vectors"
    case .makeWrongVectors: "make wrong vectors"
    case .fetch: "fetch"
    case .scanBetween: "scan between keys"
    case .approximateSize: "approximate size"
    default: "scan on a thread"
    }
  }

  private var nameOfBucket: String {
    switch self {
    case .syncRemotely: "sync remotely"
    case .prefetch, .prefetchAll: "prefetch"
    case .evict: "evict"
    case .collect: "collect"
    case .scrub: "scrub"
    case .makeCheckpoint: "make a checkpoint"
    case .removeCheckpoint: "remove a checkpoint"
    case .lookAtBucket: "look at the bucket"
    case .pauseUploads, .resumeUploads: "pause or resume uploads"
    case .outage: "outage"
    case .endOutage: "end of an outage"
    case .loseCopy: "lose a copy"
    case .openAlone: "open without the bucket"
    case .openWithBucket: "open with the bucket"
    case .compareElsewhere: "open elsewhere"
    case .moveElsewhere(let version): version == .newest ? "restore" : "go back to a version"
    case .openReplica: "open a replica"
    case .refreshReplica: "refresh a replica"
    case .compareReplica: "compare a replica"
    default: "\(self)"
    }
  }
}

/// A write in a batch.
package enum ModelWrite: Equatable, Sendable {
  case put(Int, key: Int, ModelValue, ModelLife)
  case delete(Int, key: Int)

  var keyspace: Int {
    switch self {
    case .put(let keyspace, _, _, _), .delete(let keyspace, _): keyspace
    }
  }
}

/// So many bytes, which a seed decides: words that compress, or noise that does not.
package enum ModelValue: Equatable, Sendable {
  case text(Int, Int)
  case noise(Int, Int)
  /// So many numbers, some of them none, written as a vector.
  case vector(Int, Int)

  package var bytes: [UInt8] {
    switch self {
    case .text(let count, let seed):
      var random = SeededRandom(seed: UInt64(seed))
      return random.text(count)
    case .noise(let count, let seed):
      var random = SeededRandom(seed: UInt64(seed))
      return random.bytes(count)
    case .vector:
      return numbers.flatMap { number in
        (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
      }
    }
  }

  var count: Int {
    switch self {
    case .text(let count, _), .noise(let count, _): count
    case .vector(let count, _): count * MemoryLayout<Float>.stride
    }
  }

  var isVector: Bool {
    if case .vector = self { true } else { false }
  }

  /// The numbers of a vector.
  var numbers: [Float] {
    guard case .vector(let count, let seed) = self else { return [] }
    var random = SeededRandom(seed: UInt64(seed))
    return (0..<count).map { _ in
      switch random.below(10) {
      case 0: [.nan, .signalingNaN, .infinity, -0.0, .leastNonzeroMagnitude][random.below(5)]
      default: Float(random.below(2_000)) / 1_000 - 1
      }
    }
  }
}

/// As what numbers a value is read.
package enum ModelNumber: Equatable, Sendable, CaseIterable {
  case float, double, byte, half
}

/// How a bucket does not answer.
package enum ModelOutage: Equatable, Sendable, CaseIterable {
  case refused, answerLost, requestLost, late
}

/// Which version of a bucket is opened.
package enum ModelVersion: Equatable, Sendable {
  case newest
  /// So many before the newest one.
  case earlier(Int)
  case checkpoint(Int)

  var isEarlier: Bool {
    if case .earlier = self { true } else { false }
  }
}

/// How long an entry is visible.
package enum ModelLife: Equatable, Sendable {
  /// As the keyspace's policy says.
  case usual
  case lasting(milliseconds: Int)
  /// Until a moment so long from now, which may have passed.
  case until(milliseconds: Int)
}

/// Which keys a scan or a cursor shows.
package enum ModelRange: Equatable, Sendable {
  case all
  case from(Int)
  case to(Int)
  case between(Int, Int)
  /// The keys that begin as this one does.
  case like(Int)
}

/// A step of a cursor.
package enum ModelMove: Equatable, Sendable {
  case next, previous, refresh
  case seek(Int)
}

/// The key with a number: many that share beginnings, the empty one, runs of 0xff, long ones.
package func modelKey(_ number: Int) -> [UInt8] {
  switch number {
  case 0: []
  case 1..<10: [UInt8](repeating: 0xff, count: number)
  case 10..<16: [UInt8](repeating: 0x61, count: 200) + Array("\(number)".utf8)
  default: Array("key \(number)".utf8)
  }
}

/// A key in the order in which the store has it, so that it can bound a range of Swift's.
package struct OrderedKey: StoreKey, Comparable {
  let bytes: [UInt8]

  package func withKeyBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes.span)
  }

  package static func < (left: OrderedKey, right: OrderedKey) -> Bool {
    left.bytes.order(against: right.bytes) < 0
  }
}

extension ModelRange {
  var keyRange: KeyRange {
    switch self {
    case .all: .all
    case .from(let lower): KeyRange(from: modelKey(lower))
    case .to(let upper): KeyRange(to: modelKey(upper))
    case .between(let lower, let upper): KeyRange(from: modelKey(lower), to: modelKey(upper))
    case .like(let key): KeyRange(prefix: Array(modelKey(key).prefix(5)))
    }
  }
}
