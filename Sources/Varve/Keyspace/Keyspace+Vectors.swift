import VarveFormat
import VarvePlatform

// Values as rows of numbers. In a keyspace of vectors they lie aligned wherever they are stored raw,
// so most are lent where they are; from a memtable or a compressed block they may have to be copied.

extension Keyspace {
  /// Stores a row of numbers under `key`, as they lie in memory; see
  /// ``put(_:_:durability:expiresIn:)``.
  ///
  /// ```swift
  /// try embeddings.put("zsh", vector: embedding.span)
  /// ```
  ///
  /// - Throws: `.invalid` where the keyspace takes vectors of another size; as any put.
  @inlinable
  public func put<Key: StoreKey, Number: Numeric & BitwiseCopyable>(
    _ key: Key, vector: Span<Number>, durability: Durability = .synced,
    expiresIn milliseconds: UInt64? = nil
  ) throws(StoreError) {
    try key.withKeyBytes { key throws(StoreError) in
      try put(bytes: key, vector.storedBytes, durability: durability, expiresIn: milliseconds)
    }
  }

  /// Lends the value of `key` to `body` as numbers; nil where there is none.
  ///
  /// The numbers are in the machine's byte order, as they were stored. Their address is a multiple
  /// of the keyspace's ``KeyspacePolicy/valueAlignment`` and of the number's own alignment: in place
  /// where they are stored so, else from a copy.
  ///
  /// - Throws: `.invalid` where the value is no whole count of numbers; what ``withValue(for:_:)``
  ///   throws; what `body` throws.
  @inlinable
  public func withVector<Key: StoreKey, Number: Numeric & BitwiseCopyable, Result>(
    for key: Key, as type: Number.Type, _ body: (Span<Number>) throws -> Result
  ) throws -> Result? {
    try withValue(for: key) { bytes in try lend(bytes, as: type, body) }
  }

  /// Calls `body` with each key and vector of `range` in order, borrowed.
  ///
  /// - Throws: as ``withVector(for:as:_:)``.
  @inlinable
  public func forEachVector<Number: Numeric & BitwiseCopyable>(
    as type: Number.Type, in range: KeyRange = .all, order: ScanOrder = .ascending,
    at snapshot: Snapshot? = nil,
    _ body: (_ key: Span<UInt8>, _ vector: Span<Number>) throws -> Void
  ) throws {
    try forEach(in: range, order: order, at: snapshot) { key, bytes in
      try lend(bytes, as: type) { vector in try body(key, vector) }
    }
  }
}

extension Snapshot {
  /// Lends the vector that `key` had to `body`; nil where there was none. See
  /// ``Keyspace/withVector(for:as:_:)``.
  @inlinable
  public func withVector<Key: StoreKey, Number: Numeric & BitwiseCopyable, Result>(
    for key: Key, in keyspace: Keyspace, as type: Number.Type,
    _ body: (Span<Number>) throws -> Result
  ) throws -> Result? {
    try withValue(for: key, in: keyspace) { bytes in try keyspace.lend(bytes, as: type, body) }
  }
}

extension WriteBatch {
  /// Stores a row of numbers under `key`; see ``Keyspace/put(_:vector:durability:expiresIn:)``.
  @inlinable
  public mutating func put<Key: StoreKey, Number: Numeric & BitwiseCopyable>(
    _ key: Key, vector: Span<Number>, in keyspace: Keyspace, expiresIn milliseconds: UInt64? = nil
  ) {
    key.withKeyBytes { key in
      put(bytes: key, vector.storedBytes, in: keyspace, expiresIn: milliseconds)
    }
  }
}

// MARK: - Bytes as numbers

extension Span where Element: Numeric & BitwiseCopyable {
  /// The numbers' bytes, lent as long as they are.
  @usableFromInline
  var storedBytes: Span<UInt8> {
    @_lifetime(copy self)
    get {
      // Numbers lie one behind the other, without gaps.
      let bytes = unsafe Span<UInt8>(_bytes: self.bytes)
      return unsafe _overrideLifetime(bytes, copying: self)
    }
  }
}

extension Keyspace {
  @usableFromInline
  func lend<Number: Numeric & BitwiseCopyable, Result>(
    _ bytes: Span<UInt8>, as type: Number.Type, _ body: (Span<Number>) throws -> Result
  ) throws -> Result {
    let alignment = max(policy.valueAlignment, MemoryLayout<Number>.alignment)
    return try unsafe bytes.withUnsafeBytes { raw in
      let isAligned = UInt(bitPattern: raw.baseAddress) & UInt(alignment - 1) == 0
      if isAligned { return try unsafe lend(aligned: raw, as: type, body) }
      let copy = AlignedBuffer(capacity: raw.count)
      return try unsafe copy.withMutableBytes { buffer in
        unsafe buffer.copyMemory(from: raw)
        return try unsafe lend(
          aligned: UnsafeRawBufferPointer(rebasing: buffer[..<raw.count]), as: type, body)
      }
    }
  }

  private func lend<Number: Numeric & BitwiseCopyable, Result>(
    aligned raw: UnsafeRawBufferPointer, as type: Number.Type,
    _ body: (Span<Number>) throws -> Result
  ) throws -> Result {
    guard raw.count % MemoryLayout<Number>.stride == 0 else {
      throw StoreError(
        .invalid,
        "a value of \(raw.count) bytes is no row of \(Number.self), "
          + "\(MemoryLayout<Number>.stride) bytes each")
    }
    // Any bits make a number; they are aligned and whole by the checks before.
    let numbers = unsafe raw.assumingMemoryBound(to: type)
    return try unsafe body(numbers.span)
  }
}
