import Synchronization
import VarveFormat

/// A named ordered map inside a store: keys and values are bytes, keys sort as unsigned bytes.
///
/// Usable from any thread at the same time. Reads take no lock and copy nothing unless asked to.
/// Every call throws `.notFound` once the keyspace was dropped, `.closed` once the store was; a
/// snapshot from before the drop still reads what was there.
public final class Keyspace: Sendable {
  /// The name it was made with.
  public let name: String
  /// The policy it was made with.
  public let policy: KeyspacePolicy
  let number: UInt32
  let engine: Engine
  /// The bounds of all its keys.
  let whole: EngineBounds
  /// The last sequence number that was visible when it was dropped; zero while it is there.
  private let dropSequence = Atomic<UInt64>(0)

  init(name: String, policy: KeyspacePolicy, number: UInt32, engine: Engine) {
    self.name = name
    self.policy = policy
    self.number = number
    self.engine = engine
    whole = EngineBounds(number, .all)
  }

  func markDropped(at sequence: SequenceNumber) {
    dropSequence.store(sequence.rawValue, ordering: .releasing)
  }

  var isDropped: Bool { dropSequence.load(ordering: .acquiring) != 0 }

  private var whyDropped: StoreError { StoreError(.notFound, "keyspace \(name) was dropped") }

  /// Throws unless the store is open and the keyspace is there: in `reading`, or now. In a replica a snapshot asks
  /// its own version, before this.
  func checkLive(in reading: Reading? = nil) throws(StoreError) {
    try engine.checkOpen()
    let dropped = dropSequence.load(ordering: .acquiring)
    if dropped == 0 { return }
    guard let reading, reading.point.sequence.rawValue < dropped || engine.replica != nil else {
      throw whyDropped
    }
  }
}

// MARK: - Writing

extension Keyspace {
  /// Stores `value` under `key`, replacing what was there; returns when it is as durable as asked.
  ///
  /// - Parameter expiresIn: milliseconds from now after which the entry is no longer visible; the
  ///   policy's time to live where nil.
  /// - Throws: `.limit` for keys over 65,535 bytes or values over 1 GiB, `.full`, `.poisoned`.
  @inlinable
  public func put<Key: StoreKey, Value: StoreValue>(
    _ key: Key, _ value: Value, durability: Durability = .synced,
    expiresIn milliseconds: UInt64? = nil
  ) throws(StoreError) {
    try key.withKeyBytes { key throws(StoreError) in
      try value.withValueBytes { value throws(StoreError) in
        try put(bytes: key, value, durability: durability, expiresIn: milliseconds)
      }
    }
  }

  /// ``put(_:_:durability:expiresIn:)`` for bytes that are lent.
  public func put(
    bytes key: Span<UInt8>, _ value: Span<UInt8>, durability: Durability = .synced,
    expiresIn milliseconds: UInt64? = nil
  ) throws(StoreError) {
    let expiry = expiry(in: milliseconds)
    try key.withByteView { key throws(StoreError) in
      try value.withByteView { value throws(StoreError) in
        try engine.commit(
          SingleWrite(kind: .put, keyspace: number, key: key, value: value, expiry: expiry),
          in: self, durability)
      }
    }
  }

  /// Removes `key`; a key that is not there is no error.
  @inlinable
  public func delete<Key: StoreKey>(
    _ key: Key, durability: Durability = .synced
  ) throws(StoreError) {
    try key.withKeyBytes { key throws(StoreError) in
      try delete(bytes: key, durability: durability)
    }
  }

  /// ``delete(_:durability:)`` for bytes that are lent.
  public func delete(
    bytes key: Span<UInt8>, durability: Durability = .synced
  ) throws(StoreError) {
    try key.withByteView { key throws(StoreError) in
      try engine.commit(
        SingleWrite(kind: .delete, keyspace: number, key: key, value: .empty, expiry: 0),
        in: self, durability)
    }
  }
}

// MARK: - Reading one key

extension Keyspace {
  /// Lends the value of `key` to `body` without copying it; nil where there is none.
  ///
  /// The bytes hold until `body` returns. Inside, anything may be called, writes to this store
  /// included; a `body` that takes long keeps old files and memory from being freed.
  @inlinable
  public func withValue<Key: StoreKey, Result>(
    for key: Key, _ body: (Span<UInt8>) throws -> Result
  ) throws -> Result? {
    try key.withKeyBytes { key throws in try withValue(bytes: key, body) }
  }

  /// ``withValue(for:_:)`` for a key that is lent.
  @inlinable
  public func withValue<Result>(
    bytes key: Span<UInt8>, _ body: (Span<UInt8>) throws -> Result
  ) throws -> Result? {
    var result: Result?
    try lendValue(of: key, in: nil) { result = try body($0) }
    return result
  }

  /// A copy of the value of `key`; nil where there is none.
  @inlinable
  public func value<Key: StoreKey>(for key: Key) throws(StoreError) -> [UInt8]? {
    try key.withKeyBytes { key throws(StoreError) in try copyValue(of: key, in: nil) }
  }

  /// Whether `key` has a value. Reads no value from disk.
  @inlinable
  public func contains<Key: StoreKey>(_ key: Key) throws(StoreError) -> Bool {
    try key.withKeyBytes { key throws(StoreError) in try size(ofValue: key, in: nil) != nil }
  }

  /// How many bytes the value of `key` has; nil where there is none. Reads no large value.
  @inlinable
  public func size<Key: StoreKey>(ofValueFor key: Key) throws(StoreError) -> Int? {
    try key.withKeyBytes { key throws(StoreError) in try size(ofValue: key, in: nil) }
  }

  /// Copies of the values of many keys, nil for each that has none, all as of one moment.
  @inlinable
  public func values<Key: StoreKey>(for keys: [Key]) throws(StoreError) -> [[UInt8]?] {
    try copyValues(of: keys, in: beginReading())
  }

  @inlinable
  func copyValues<Key: StoreKey>(
    of keys: [Key], in reading: Reading
  ) throws(StoreError) -> [[UInt8]?] {
    var values: [[UInt8]?] = []
    values.reserveCapacity(keys.count)
    for key in keys {
      values.append(
        try key.withKeyBytes { key throws(StoreError) in try copyValue(of: key, in: reading) })
    }
    return values
  }
}

// MARK: - The opaque core of reading

extension Keyspace {
  /// One moment of the store to read at, pinned until dropped.
  @usableFromInline
  func beginReading() throws(StoreError) -> Reading {
    try checkLive()
    let reading = engine.beginReading()
    try checkKept()
    return reading
  }

  /// Throws where the keyspace went while the present was looked for: what a replica has moved on to may have
  /// another one under the number.
  @inline(__always)
  func checkKept() throws(StoreError) {
    if isDropped { throw whyDropped }
  }

  private func visibleEntry(
    of key: ByteView, in reading: Reading?
  ) throws(StoreError) -> FoundEntry? {
    let found = try engine.visibleEntry(of: key, in: reading)
    if reading == nil { try checkKept() }
    return found
  }

  @usableFromInline
  func lendValue(
    of key: Span<UInt8>, in reading: Reading?, _ body: (Span<UInt8>) throws -> Void
  ) throws {
    try checkLive(in: reading)
    let pin = engine.enter()
    defer { engine.leave(pin) }
    try EngineKey.with(keyspace: number, key: key) { key throws in
      guard let found = try visibleEntry(of: key, in: reading) else { return }
      try engine.resolve(found).withBytes { try body($0.span) }
    }
  }

  @usableFromInline
  func copyValue(of key: Span<UInt8>, in reading: Reading?) throws(StoreError) -> [UInt8]? {
    try checkLive(in: reading)
    let pin = engine.enter()
    defer { engine.leave(pin) }
    return try EngineKey.with(keyspace: number, key: key) { key throws(StoreError) in
      guard let found = try visibleEntry(of: key, in: reading) else { return nil }
      return try engine.resolve(found).withBytes { $0.array }
    }
  }

  @usableFromInline
  func size(ofValue key: Span<UInt8>, in reading: Reading?) throws(StoreError) -> Int? {
    try checkLive(in: reading)
    let pin = engine.enter()
    defer { engine.leave(pin) }
    return try EngineKey.with(keyspace: number, key: key) { key throws(StoreError) in
      guard let found = try visibleEntry(of: key, in: reading) else { return nil }
      return try engine.values.size(of: found)
    }
  }
}
