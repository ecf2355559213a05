import VarveFormat

/// Writes that become visible and durable together, in any number of keyspaces of one store.
///
/// Later writes of a key replace earlier ones. Building a batch touches no store; a key or value
/// over its limit is reported when the batch is committed. Costs one copy of each key and value.
///
/// ```swift
/// var batch = WriteBatch()
/// batch.put("zsh", "The Z shell", in: packages)
/// batch.delete("csh", in: packages)
/// try store.commit(batch)
/// ```
public struct WriteBatch: Sendable {
  var encoder = BatchEncoder()
  /// The keyspaces written to, by number.
  private(set) var keyspaces: [UInt32: Keyspace] = [:]
  /// The first write that could not be taken, and how many could not.
  private var failure: StoreError?
  private var refusedCount = 0
  /// Whether any value is large by its keyspace's policy, and the bytes of all such values.
  private(set) var largeValueBytes = 0

  /// An empty batch.
  public init() {}

  /// How many writes were put in. Those that a commit will refuse count too, so that a batch with
  /// nothing else is not taken for an empty one and passed over.
  public var count: Int { Int(encoder.count) + refusedCount }

  /// Bytes it takes in the log.
  public var byteCount: Int { encoder.byteCount }

  /// Forgets every write and keeps the memory.
  public mutating func removeAll() {
    encoder.removeAll()
    keyspaces.removeAll(keepingCapacity: true)
    failure = nil
    refusedCount = 0
    largeValueBytes = 0
  }
}

// MARK: - Adding writes

extension WriteBatch {
  /// Stores `value` under `key`.
  ///
  /// - Parameter expiresIn: milliseconds from now after which the entry is no longer visible; the
  ///   keyspace's time to live where nil.
  @inlinable
  public mutating func put<Key: StoreKey, Value: StoreValue>(
    _ key: Key, _ value: Value, in keyspace: Keyspace, expiresIn milliseconds: UInt64? = nil
  ) {
    key.withKeyBytes { key in
      value.withValueBytes { value in
        put(bytes: key, value, in: keyspace, expiresIn: milliseconds)
      }
    }
  }

  /// ``put(_:_:in:expiresIn:)`` for bytes that are lent.
  public mutating func put(
    bytes key: Span<UInt8>, _ value: Span<UInt8>, in keyspace: Keyspace,
    expiresIn milliseconds: UInt64? = nil
  ) {
    put(key, value, keyspace, expiry: keyspace.expiry(in: milliseconds))
  }

  /// Stores `value` under `key` until a moment, in milliseconds since 1970, which may have passed.
  @inlinable
  public mutating func put<Key: StoreKey, Value: StoreValue>(
    _ key: Key, _ value: Value, in keyspace: Keyspace, expiresAt moment: UInt64
  ) {
    key.withKeyBytes { key in
      value.withValueBytes { value in
        put(bytes: key, value, in: keyspace, expiresAt: moment)
      }
    }
  }

  /// ``put(_:_:in:expiresAt:)`` for bytes that are lent.
  public mutating func put(
    bytes key: Span<UInt8>, _ value: Span<UInt8>, in keyspace: Keyspace,
    expiresAt moment: UInt64
  ) {
    // Zero is stored for "never", and so far back nothing tells it from one.
    put(key, value, keyspace, expiry: max(1, moment))
  }

  private mutating func put(
    _ key: Span<UInt8>, _ value: Span<UInt8>, _ keyspace: Keyspace, expiry: ExpiryTime
  ) {
    guard keyspace.policy.valueBytes.map({ $0 == value.count }) ?? true else {
      return refuse(wrongSize(value.count, in: keyspace))
    }
    key.withByteView { key in
      value.withByteView { value in
        add(to: keyspace) { encoder throws(FormatError) in
          try encoder.put(key, in: keyspace.number, value, expiry: expiry)
        }
      }
    }
    if value.count >= keyspace.policy.largeValueBytes { largeValueBytes += value.count }
  }

  /// Why a batch does not take an entry that is not valid.
  static func refusal(of write: SingleWrite, in keyspace: Keyspace) -> StoreError? {
    var batch = WriteBatch()
    if write.kind == .put {
      batch.put(write.key.span, write.value.span, keyspace, expiry: write.expiry)
    } else {
      batch.delete(bytes: write.key.span, in: keyspace)
    }
    return batch.failure
  }

  private func wrongSize(_ byteCount: Int, in keyspace: Keyspace) -> StoreError {
    let wanted = keyspace.policy.valueBytes ?? 0
    return StoreError(
      .invalid, "keyspace \(keyspace.name) takes values of \(wanted) bytes, not \(byteCount)")
  }

  private mutating func refuse(_ reason: StoreError) {
    failure = failure ?? reason
    refusedCount += 1
  }

  /// Removes `key`.
  @inlinable
  public mutating func delete<Key: StoreKey>(_ key: Key, in keyspace: Keyspace) {
    key.withKeyBytes { delete(bytes: $0, in: keyspace) }
  }

  /// ``delete(_:in:)`` for bytes that are lent.
  public mutating func delete(bytes key: Span<UInt8>, in keyspace: Keyspace) {
    key.withByteView { key in
      add(to: keyspace) { encoder throws(FormatError) in
        try encoder.delete(key, in: keyspace.number)
      }
    }
  }

  private mutating func add(
    to keyspace: Keyspace, _ encode: (inout BatchEncoder) throws(FormatError) -> Void
  ) {
    let known = keyspaces[keyspace.number] ?? keyspace
    keyspaces[keyspace.number] = known
    // Two stores number their keyspaces alike: the number alone would put the write into the wrong one.
    guard known.engine === keyspace.engine else {
      return refuse(StoreError(.invalid, "the batch holds writes for two stores"))
    }
    do throws(FormatError) {
      try encode(&encoder)
    } catch {
      refuse(StoreError(.limit, "\(error.fault)"))
    }
  }
}

// MARK: - Before committing

extension WriteBatch {
  /// Throws unless every write was taken and belongs to a live keyspace of `engine`.
  func check(for engine: Engine) throws(StoreError) {
    if let failure { throw failure }
    for keyspace in keyspaces.values {
      guard keyspace.engine === engine else {
        throw StoreError(.invalid, "the batch holds a write for a keyspace of another store")
      }
      try keyspace.checkLive()
    }
  }
}

extension Keyspace {
  /// The moment at which an entry put now expires; zero for never.
  func expiry(in milliseconds: UInt64?) -> ExpiryTime {
    guard let life = milliseconds ?? policy.timeToLiveMilliseconds else { return 0 }
    let (time, overflow) = engine.clock.now().addingReportingOverflow(life)
    return overflow ? .max : max(1, time)
  }
}
