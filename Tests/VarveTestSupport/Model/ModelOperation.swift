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

  package var bytes: [UInt8] {
    switch self {
    case .text(let count, let seed):
      var random = SeededRandom(seed: UInt64(seed))
      return random.text(count)
    case .noise(let count, let seed):
      var random = SeededRandom(seed: UInt64(seed))
      return random.bytes(count)
    }
  }

  var count: Int {
    switch self {
    case .text(let count, _), .noise(let count, _): count
    }
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
