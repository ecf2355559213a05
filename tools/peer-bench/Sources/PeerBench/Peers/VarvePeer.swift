import Varve

/// Varve, by its public face alone.
final class VarvePeer: Peer {
  static let name = "Varve"

  private let store: SegmentStore
  private let records: Keyspace
  private let durability: Durability

  init(in directory: String, _ settings: PeerSettings) throws {
    var options = StoreOptions()
    // An eighth of the budget is the write buffer.
    options.memoryBudget = 8 * settings.writeBufferBytes
    store = try SegmentStore.open(at: directory + "/store", options: options)
    var policy = KeyspacePolicy()
    policy.compression = .none
    records = try store.keyspace("records", policy)
    durability = settings.isDurable ? .synced : .buffered
  }

  func put(_ record: Record) throws {
    try records.put(
      bytes: Span(_unsafeBytes: record.key), Span(_unsafeBytes: record.value),
      durability: durability)
  }

  func put(_ batch: ArraySlice<Record>) throws {
    var writes = WriteBatch()
    for record in batch {
      writes.put(
        bytes: Span(_unsafeBytes: record.key), Span(_unsafeBytes: record.value), in: records)
    }
    try store.commit(writes, durability: durability)
  }

  func get(_ key: Bytes, into tally: inout Tally) throws {
    try records.withValue(bytes: Span(_unsafeBytes: key)) { value in
      value.withUnsafeBytes { tally.add($0) }
    }
  }

  func scan(from key: Bytes?, limit: Int, backward: Bool, into tally: inout Tally) throws {
    var cursor = try records.cursor(order: backward ? .descending : .ascending)
    var isThere = if let key { try cursor.seek(to: LentKey(bytes: key)) } else { try cursor.next() }
    var left = limit
    while isThere, left > 0 {
      cursor.key.withUnsafeBytes { tally.add($0) }
      cursor.value.withUnsafeBytes { tally.add($0) }
      left -= 1
      if left > 0 { isThere = try cursor.next() }
    }
  }

  func settle() throws {
    try store.flush()
    try store.compact()
  }

  func close() throws { try store.close() }
}

/// A key that is lent, for calls that take a key of any type.
private struct LentKey: StoreKey {
  var bytes: Bytes

  func withKeyBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(Span(_unsafeBytes: bytes))
  }
}
