/// Bytes that the benchmark's data keeps alive while it runs.
typealias Bytes = UnsafeRawBufferPointer

/// One entry to be written.
struct Record {
  var key: Bytes
  var value: Bytes
}

/// One engine of the comparison: a file that conforms to this, and a name in ``allPeers``.
///
/// Nothing is compressed. Whatever a read finds is handed to the tally while it is lent; no engine
/// has to copy.
protocol Peer: AnyObject, SendableMetatype {
  static var name: String { get }

  /// Opens a new store in `directory`, which exists and is empty.
  init(in directory: String, _ settings: PeerSettings) throws

  /// Stores one record, as durable as the settings ask.
  func put(_ record: Record) throws

  /// Stores all of `batch` or nothing.
  func put(_ batch: ArraySlice<Record>) throws

  /// Adds the value of `key`, as of now, to `tally`; nothing where there is none.
  func get(_ key: Bytes, into tally: inout Tally) throws

  /// Adds the first `limit` entries from `key` on, or from the end, as of now, to `tally`.
  func scan(
    from key: Bytes?, limit: Int, backward: Bool, into tally: inout Tally) throws

  /// Brings the store into the shape in which it would rest: memtables flushed, all compacted.
  func settle() throws

  func close() throws
}

/// What every engine is told alike.
struct PeerSettings {
  /// Whether a put returns when it is on disk; else when it survives the end of the process.
  var isDurable = false
  /// Bytes of recent writes in memory before they become a file, where an engine has such.
  var writeBufferBytes = 64 << 20
  /// How many such buffers may exist, the one being filled included.
  var writeBuffers = 4
  /// Bytes of blocks kept in memory, where an engine does not leave that to the system: all of the
  /// data.
  var cacheBytes = 1 << 30
}

/// What went wrong in an engine, in its own words.
struct PeerFailure: Error, CustomStringConvertible {
  var description: String
}

/// The engines, Varve first: ratios are its own to the best of the others.
let allPeers: [any Peer.Type] = [VarvePeer.self, RocksDBPeer.self, LMDBPeer.self]
