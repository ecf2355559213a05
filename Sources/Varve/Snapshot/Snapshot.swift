import VarveFormat

/// A fixed view of a store: every keyspace as it was when the snapshot was taken, expiry included.
///
/// Cheap to take; it keeps what it can see from being collected, not files from being rewritten.
/// Released when it is dropped.
public final class Snapshot: Sendable {
  let engine: Engine
  let point: ReadPoint

  init(_ engine: Engine) {
    self.engine = engine
    point = engine.snapshots.register { engine.readPoint() }
  }

  deinit { engine.snapshots.release(point) }

  /// The sequence number of the last commit it sees.
  public var sequence: UInt64 { point.sequence.rawValue }

  var reading: Reading { Reading(view: engine.views.pinned(), point: point) }
}

extension Snapshot {
  /// Lends the value that `key` had to `body`; nil where there was none.
  public func withValue<Key: StoreKey, Result>(
    for key: Key, in keyspace: Keyspace, _ body: (Span<UInt8>) throws -> Result
  ) throws -> Result? {
    try check(keyspace)
    var result: Result?
    try key.withKeyBytes { key throws in
      try keyspace.lendValue(of: key, in: reading) { result = try body($0) }
    }
    return result
  }

  /// A copy of the value that `key` had; nil where there was none.
  public func value<Key: StoreKey>(
    for key: Key, in keyspace: Keyspace
  ) throws(StoreError) -> [UInt8]? {
    try check(keyspace)
    return try key.withKeyBytes { key throws(StoreError) in
      try keyspace.copyValue(of: key, in: reading)
    }
  }

  /// Whether `key` had a value.
  public func contains<Key: StoreKey>(
    _ key: Key, in keyspace: Keyspace
  ) throws(StoreError) -> Bool {
    try check(keyspace)
    return try key.withKeyBytes { key throws(StoreError) in
      try keyspace.size(ofValue: key, in: reading) != nil
    }
  }

  func check(_ keyspace: Keyspace) throws(StoreError) {
    guard keyspace.engine === engine else {
      throw StoreError(.invalid, "the keyspace belongs to another store")
    }
  }
}
