/// One engine of the comparison: a file or two that conform to this, and a name in ``allPeers``.
///
/// Whatever a read finds is handed to the tally while it is lent; no engine has to copy.
protocol Peer: AnyObject, Sendable, SendableMetatype {
  associatedtype Session: PeerSession

  static var name: String { get }
  static var traits: PeerTraits { get }

  /// Opens the store in `directory`, which exists and is empty for a new one.
  init(in directory: String, _ settings: PeerSettings) throws

  /// What one thread works through.
  func session() throws -> Session

  /// Brings the store into the shape in which it would rest: memtables flushed, all compacted.
  func settle() throws

  /// Puts what was written into files of its own, where the engine has such.
  func cut() throws

  /// Closes the store; its sessions were closed before.
  func close() throws
}

extension Peer {
  func cut() throws {}
}

/// An engine as one thread sees it.
protocol PeerSession: AnyObject {
  /// Stores one entry, as durable as the settings ask.
  func put(_ key: Bytes, _ value: Bytes) throws

  /// Stores all of `batch` or nothing.
  func put(_ batch: ArraySlice<Operation>) throws

  func delete(_ key: Bytes) throws

  /// Adds the value of `key`, as of now, to `tally`; nothing where there is none.
  func get(_ key: Bytes, into tally: inout Tally) throws

  /// Adds the values of many keys, all as of one moment, to `tally`, in their order.
  func get(_ keys: ArraySlice<Operation>, into tally: inout Tally) throws

  /// Adds what `scan` finds, as of now, to `tally`.
  func scan(_ scan: Scan, into tally: inout Tally) throws

  /// Stores entries that ascend in a store without any, by whatever way the engine has for that.
  func bulkImport(_ operations: [Operation]) throws

  func close()
}

extension PeerSession {
  func bulkImport(_ operations: [Operation]) throws {
    for start in stride(from: 0, to: operations.count, by: 1000) {
      try put(operations[start..<min(start + 1000, operations.count)])
    }
  }
}

/// Entries to walk over.
struct Scan {
  /// Where to begin: this key or the next one; the first, or the last, of all where nil.
  var start: Bytes?
  /// Whether to stop before the first key that does not begin with `start`.
  var isPrefix = false
  var limit = Int.max
  var isBackward = false

  @inline(__always)
  func includes(_ key: Bytes) -> Bool {
    guard isPrefix, let start else { return true }
    return key.count >= start.count && Bytes(rebasing: key[..<start.count]).equals(start)
  }
}

/// What makes one kind of engine unlike another.
struct PeerTraits {
  /// Whether it replays a log when it is opened after a crash.
  var hasLog = false
  /// Whether ``Peer/cut()`` makes a file each time.
  var cutsFiles = false
  /// Whether it can compress by itself.
  var compresses = false
  /// Whether it is no engine but a bare write to a file: ratios are never to it, some goals are.
  var isReference = false
}

/// What went wrong in an engine, in its own words.
struct PeerFailure: Error, CustomStringConvertible {
  var description: String
}

/// The engines, Varve first: ratios are its own to the best of the others.
let allPeers: [any Peer.Type] = [
  VarvePeer.self, RocksDBPeer.self, LevelDBPeer.self, LMDBPeer.self, LMDBMapPeer.self,
  SQLitePeer.self, BareLog.self,
]
