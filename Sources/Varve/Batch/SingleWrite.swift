import VarveFormat

/// One entry that is written on its own, lent for the length of the call: the most common write.
struct SingleWrite {
  /// Put, delete or pointer.
  let kind: EntryKind
  let keyspace: UInt32
  let key: ByteView
  /// Of a put; of a pointer its bytes.
  let value: ByteView
  let expiry: ExpiryTime

  /// Whether a batch would take it.
  func isValid(in policy: KeyspacePolicy) -> Bool {
    guard key.count <= Limits.keyBytes else { return false }
    return kind == .delete
      || value.count <= Limits.valueBytes && (policy.valueBytes.map { $0 == value.count } ?? true)
  }

  /// Whether the value goes to a value file.
  func isLarge(in policy: KeyspacePolicy, isSynced: Bool) -> Bool {
    kind == .put && value.count >= policy.largeValueBytes
      && (!isSynced || value.count > ValuePlacement.inlineBytes)
  }

  /// The same with its value in a value file, the pointer to it lent.
  func pointing(with pointer: ByteView) -> SingleWrite {
    SingleWrite(kind: .pointer, keyspace: keyspace, key: key, value: pointer, expiry: expiry)
  }

  /// Bytes that it takes in the log, or a few more.
  var mostBytes: Int { key.count &+ value.count &+ LogRecordHeader.byteCount &+ 48 }

  /// The same as a batch, for those who stand in line.
  ///
  /// - Parameters:
  ///   - placed: where the value of a pointer is.
  ///   - whole: the same with its value.
  func request(
    isSynced: Bool, _ placed: PlacedValue?, whole: SingleWrite? = nil
  ) throws(FormatError) -> CommitRequest {
    var batch = BatchEncoder(reserving: mostBytes)
    guard let placed else {
      if kind == .delete {
        try batch.delete(key, in: keyspace)
      } else {
        try batch.put(key, in: keyspace, value, expiry: expiry)
      }
      return CommitRequest(batch, isSynced: isSynced)
    }
    try batch.put(key, in: keyspace, at: placed.pointer, expiry: expiry)
    return CommitRequest(
      batch, isSynced: isSynced, valueFiles: [placed.file],
      valueBytes: Int(placed.pointer.fullCount),
      whole: try whole?.request(isSynced: isSynced, nil).batch)
  }
}

/// A value that was written to a value file, pinned until the entry is in a memtable.
struct PlacedValue {
  let pointer: ValuePointer
  let file: ValueFileHandle
}
