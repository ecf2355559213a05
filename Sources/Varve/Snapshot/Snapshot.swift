import Synchronization
import VarveFormat
import VarvePlatform

/// A fixed view of a store: every keyspace as it was when the snapshot was taken, expiry included.
///
/// Cheap to take; it keeps what it can see from being collected, not files from being rewritten.
/// In a replica, reading a keyspace that the snapshot's version does not have throws `.notFound`.
/// Released by ``close()``, or when the last reference to it goes, which may be later than its last
/// use.
public final class Snapshot: Sendable {
  let engine: Engine
  let point: ReadPoint
  /// In a replica: what a later version does not have any more is only in this one. Nil once it is closed.
  private let kept: Monitor<ReadView?>?
  /// The names of that version's keyspaces, by number.
  private let names: [UInt32: KeyspaceName]?
  private let isClosed = Atomic<Bool>(false)

  init(_ engine: Engine) {
    self.engine = engine
    let shown = engine.replica.map { engine.shown(by: $0) }
    (kept, names) = (shown.map { Monitor($0.view) }, shown?.names)
    point = engine.snapshots.register { engine.readPoint() }
  }

  deinit { close() }

  /// Lets go of what only this snapshot sees. Closing twice is harmless; reading it throws `.closed`
  /// from then on, cursors made before go on.
  public func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    engine.snapshots.release(point)
    kept?.withLock { $0 = nil }
  }

  /// The sequence number of the last commit it sees.
  public var sequence: UInt64 { point.sequence.rawValue }

  /// The view is pinned before the snapshot is found open: what a compaction drops after the
  /// closing is still in that view.
  func reading(_ keyspace: Keyspace) throws(StoreError) -> Reading {
    try check(keyspace)
    let reading = Reading(view: kept?.withLock { $0 } ?? engine.views.pinned(), point: point)
    guard !isClosed.load(ordering: .acquiring) else {
      throw StoreError(.closed, "the snapshot was closed", file: engine.path)
    }
    return reading
  }
}

extension Snapshot {
  /// Lends the value that `key` had to `body`; nil where there was none.
  public func withValue<Key: StoreKey, Result>(
    for key: Key, in keyspace: Keyspace, _ body: (Span<UInt8>) throws -> Result
  ) throws -> Result? {
    let reading = try reading(keyspace)
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
    let reading = try reading(keyspace)
    return try key.withKeyBytes { key throws(StoreError) in
      try keyspace.copyValue(of: key, in: reading)
    }
  }

  /// Copies of the values that many keys had, nil for each that had none.
  public func values<Key: StoreKey>(
    for keys: [Key], in keyspace: Keyspace
  ) throws(StoreError) -> [[UInt8]?] {
    try keyspace.copyValues(of: keys, in: reading(keyspace))
  }

  /// Whether `key` had a value.
  public func contains<Key: StoreKey>(
    _ key: Key, in keyspace: Keyspace
  ) throws(StoreError) -> Bool {
    try size(ofValueFor: key, in: keyspace) != nil
  }

  /// How many bytes the value of `key` had; nil where there was none. Reads no large value.
  public func size<Key: StoreKey>(
    ofValueFor key: Key, in keyspace: Keyspace
  ) throws(StoreError) -> Int? {
    let reading = try reading(keyspace)
    return try key.withKeyBytes { key throws(StoreError) in
      try keyspace.size(ofValue: key, in: reading)
    }
  }

  private func check(_ keyspace: Keyspace) throws(StoreError) {
    guard keyspace.engine === engine else {
      throw StoreError(.invalid, "the keyspace belongs to another store")
    }
    // A version that came after another may be of an earlier moment, which sequence numbers do not tell; and then
    // one number may be given twice, also one whose dropped entries are still there.
    guard let names else { return }
    guard names[keyspace.number] == KeyspaceName(keyspace.name) else {
      throw StoreError(.notFound, "keyspace \(keyspace.name) is not in the snapshot")
    }
  }
}
