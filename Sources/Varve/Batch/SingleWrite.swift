import VarveFormat

/// One entry that is written on its own, lent for the length of the call: the most common write.
struct SingleWrite {
  /// What becomes of the key.
  enum Content {
    case value(ByteView)
    /// A value that was written to a value file, pinned until the entry is in a memtable.
    case pointer(ValuePointer, in: ValueFileHandle, bytes: [UInt8])
    case delete
  }

  let keyspace: Keyspace
  let key: ByteView
  var content: Content
  let expiry: ExpiryTime

  /// Whether a batch would take it.
  var isValid: Bool {
    guard key.count <= Limits.keyBytes else { return false }
    guard case .value(let value) = content else { return true }
    return value.count <= Limits.valueBytes
      && (keyspace.policy.valueBytes.map { $0 == value.count } ?? true)
  }

  /// Whether the value goes to a value file.
  func isLarge(isSynced: Bool) -> Bool {
    guard case .value(let value) = content else { return false }
    return value.count >= keyspace.policy.largeValueBytes
      && (!isSynced || value.count > ValuePlacement.inlineBytes)
  }

  /// The same with its value written to `file`.
  func pointing(to pointer: ValuePointer, in file: ValueFileHandle) -> SingleWrite {
    var bytes = ByteWriter(reserving: ValuePointer.byteCount)
    pointer.encode(to: &bytes)
    var placed = self
    placed.content = .pointer(pointer, in: file, bytes: bytes.bytes)
    return placed
  }

  /// Bytes that it takes in the log, or a few more.
  var mostBytes: Int { key.count &+ valueCount &+ LogRecordHeader.byteCount &+ 48 }

  private var valueCount: Int {
    switch content {
    case .value(let value): value.count
    case .pointer: ValuePointer.byteCount
    case .delete: 0
    }
  }

  /// The same as a batch, for those who stand in line.
  func request(isSynced: Bool) throws(FormatError) -> CommitRequest {
    var batch = BatchEncoder(reserving: mostBytes)
    switch content {
    case .value(let value):
      try batch.put(key, in: keyspace.number, value, expiry: expiry)
    case .pointer(let pointer, let file, _):
      try batch.put(key, in: keyspace.number, at: pointer, expiry: expiry)
      return CommitRequest(
        batch, isSynced: isSynced, valueFiles: [file], valueBytes: Int(pointer.fullCount))
    case .delete:
      try batch.delete(key, in: keyspace.number)
    }
    return CommitRequest(batch, isSynced: isSynced)
  }
}
