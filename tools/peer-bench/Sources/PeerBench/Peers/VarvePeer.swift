import Varve

/// Varve, by its public face alone.
final class VarvePeer: Peer {
  static let name = "Varve"
  static let traits = PeerTraits(hasLog: true, cutsFiles: true, compresses: true)

  private let store: SegmentStore
  private let records: Keyspace
  private let durability: Durability

  init(in directory: String, _ settings: PeerSettings) throws {
    var options = StoreOptions()
    options.memoryBudget = Self.memoryBudget(settings)
    if let bytes = settings.fileBytes { options.segmentBytes = max(64 << 10, bytes) }
    store = try SegmentStore.open(at: directory + "/store", options: options)
    var policy = KeyspacePolicy()
    if settings.compression == .none { policy.compression = .none }
    records = try store.keyspace("records", policy)
    durability = settings.isDurable ? .synced : .buffered
  }

  /// An eighth of the budget, at most 64 MiB, is the write buffer, a quarter caches blocks.
  private static func memoryBudget(_ settings: PeerSettings) -> Int {
    let forBuffers = max(8 << 20, 8 * settings.writeBufferBytes)
    let isLargestBuffer = settings.writeBufferBytes >= PeerSettings.usualWriteBufferBytes
    return isLargestBuffer ? max(forBuffers, 4 * settings.cacheBytes) : forBuffers
  }

  func session() throws -> VarveSession { VarveSession(store, records, durability) }

  func cut() throws { try store.flush() }

  func settle() throws {
    try store.flush()
    try store.compact()
  }

  func close() throws { try store.close() }
}

/// Varve as one thread works with it: one cursor for all seeks, which shows the present anew for each.
final class VarveSession: PeerSession {
  private let store: SegmentStore
  private let records: Keyspace
  private let durability: Durability
  private var kept: KeptCursor?

  init(_ store: SegmentStore, _ records: Keyspace, _ durability: Durability) {
    self.store = store
    self.records = records
    self.durability = durability
  }

  func put(_ key: Bytes, _ value: Bytes) throws {
    try records.put(
      bytes: Span(_unsafeBytes: key), Span(_unsafeBytes: value), durability: durability)
  }

  func put(_ batch: ArraySlice<Operation>) throws {
    var writes = WriteBatch()
    for put in batch {
      writes.put(bytes: Span(_unsafeBytes: put.key), Span(_unsafeBytes: put.value), in: records)
    }
    try store.commit(writes, durability: durability)
  }

  func delete(_ key: Bytes) throws {
    try records.delete(bytes: Span(_unsafeBytes: key), durability: durability)
  }

  func get(_ key: Bytes, into tally: inout Tally) throws {
    try records.withValue(bytes: Span(_unsafeBytes: key)) { value in
      value.withUnsafeBytes { tally.add($0) }
    }
  }

  func get(_ keys: ArraySlice<Operation>, into tally: inout Tally) throws {
    for value in try records.values(for: keys.map { LentKey(bytes: $0.key) }) {
      value?.withUnsafeBytes { tally.add($0) }
    }
  }

  func scan(_ scan: Scan, into tally: inout Tally) throws {
    if let start = scan.start, !scan.isPrefix, !scan.isBackward {
      return try seek(start, scan.limit, into: &tally)
    }
    let order: ScanOrder = scan.isBackward ? .descending : .ascending
    var cursor =
      if let start = scan.start, scan.isPrefix {
        try records.cursor(prefix: LentKey(bytes: start), order: order)
      } else {
        try records.cursor(order: order)
      }
    let isThere =
      if let start = scan.start, !scan.isPrefix {
        try cursor.seek(to: LentKey(bytes: start))
      } else {
        try cursor.next()
      }
    if isThere { try Self.read(&cursor, scan.limit, into: &tally) }
  }

  private func seek(_ start: Bytes, _ limit: Int, into tally: inout Tally) throws {
    let kept = try kept ?? KeptCursor(records.cursor())
    self.kept = kept
    try kept.cursor.refresh()
    if try kept.cursor.seek(to: LentKey(bytes: start)) {
      try Self.read(&kept.cursor, limit, into: &tally)
    }
  }

  /// From the entry that the cursor stands on.
  @inline(__always)
  private static func read(
    _ cursor: inout Cursor, _ limit: Int, into tally: inout Tally
  ) throws {
    var left = limit
    var isThere = true
    while isThere, left > 0 {
      cursor.key.withUnsafeBytes { tally.add($0) }
      cursor.value.withUnsafeBytes { tally.add($0) }
      left -= 1
      if left > 0 { isThere = try cursor.next() }
    }
  }

  func close() { kept = nil }
}

/// A cursor in a place of its own: it is large, and moved nowhere.
private final class KeptCursor {
  var cursor: Cursor

  init(_ cursor: consuming Cursor) { self.cursor = cursor }
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
