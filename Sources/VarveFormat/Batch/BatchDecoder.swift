/// One entry of a batch, lent while the payload is.
package struct BatchEntry: Sendable {
  package var kind: EntryKind
  /// The engine's key: keyspace number, big-endian, and the user's key.
  package var key: ByteView
  package var expiry: ExpiryTime
  /// The value of a put, the 32 checked bytes of a pointer, nothing for a delete.
  package var value: ByteView

  package var keyspace: UInt32 { (key.uint32(at: 0) ?? 0).byteSwapped }
  package var userKey: ByteView { key.dropping(Limits.keyspacePrefixBytes) }
}

/// Walks the entries of a batch, checking everything: see ``BatchEncoder`` for the layout.
///
/// A batch comes out of a record whose checksum held, so an error here is never a torn tail: it is
/// a writer's mistake or a forged file.
package struct BatchDecoder {
  /// The fewest bytes that an entry can take: a delete of the empty key.
  private static let smallestEntryBytes = 6

  /// Entries in the whole batch.
  package let count: Int
  /// Entries that `next()` has still to return.
  package private(set) var remaining: Int
  private var reader: ByteReader
  /// The entry of a record that holds one without being a batch, until it is returned.
  private var single: BatchEntry?

  /// The entries of a log's record that holds any, with offsets in its file in errors.
  package init(of record: LogRecord) throws(FormatError) {
    guard let kind = record.type?.entryKind else {
      self = try BatchDecoder(
        record.payload, at: record.offset &+ UInt64(LogRecordHeader.byteCount))
      return
    }
    let keyEnd = Limits.keyspacePrefixBytes &+ record.keyCount
    let value = record.payload.dropping(keyEnd)
    if kind == .pointer {
      let place = record.offset &+ UInt64(LogRecordHeader.entryByteCount &+ keyEnd)
      _ = try ValuePointer(decoding: value, at: place)
    }
    reader = ByteReader(.empty, .batch)
    (count, remaining) = (1, 1)
    single = BatchEntry(
      kind: kind, key: record.payload.prefix(keyEnd), expiry: 0, value: value)
  }

  /// - Parameter base: the payload's offset in its file, for errors.
  package init(_ payload: ByteView, at base: UInt64 = 0) throws(FormatError) {
    reader = ByteReader(payload, .batch, at: base)
    let start = reader
    count = Int(try reader.uint32())
    remaining = count
    guard count > 0 else { throw start.error(.value("entry count")) }
    guard count <= reader.remaining / Self.smallestEntryBytes else {
      throw start.error(.limit("entry count"))
    }
  }

  /// The next entry, or nil behind the last one, which must end where the payload ends.
  package mutating func next() throws(FormatError) -> BatchEntry? {
    guard remaining > 0 else {
      try reader.end()
      return nil
    }
    if let entry = single.take() {
      remaining = 0
      return entry
    }
    let start = reader
    let tag = try reader.uint8()
    let hasExpiry = tag & BatchEncoder.expiryFlag != 0
    // Range deletes are reserved: no writer of this version makes one. A delete does not expire.
    guard let kind = EntryKind(rawValue: tag & ~BatchEncoder.expiryFlag), kind != .rangeDelete,
      kind != .delete || !hasExpiry
    else { throw start.error(.value("entry kind")) }
    let keyCount = try reader.count(upTo: Limits.keyBytes, "key length")
    let key = try reader.view(Limits.keyspacePrefixBytes &+ keyCount)
    let expiry = hasExpiry ? try expiry() : 0
    let value = try value(of: kind)
    remaining &-= 1
    return BatchEntry(kind: kind, key: key, expiry: expiry, value: value)
  }

  private mutating func expiry() throws(FormatError) -> ExpiryTime {
    let start = reader
    let expiry = try reader.varint()
    // Zero is written by leaving the flag away.
    guard expiry != 0 else { throw start.error(.value("expiry")) }
    return expiry
  }

  private mutating func value(of kind: EntryKind) throws(FormatError) -> ByteView {
    switch kind {
    case .put:
      return try reader.view(try reader.count(upTo: Limits.valueBytes, "value length"))
    case .pointer:
      let place = reader.offset
      let bytes = try reader.view(ValuePointer.byteCount)
      _ = try ValuePointer(decoding: bytes, at: place)
      return bytes
    case .delete, .rangeDelete:
      return .empty
    }
  }
}
