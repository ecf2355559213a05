/// Writes entries one after the other into the payload of a log record.
///
/// ```
/// +-------------+---------+---------+-----
/// | u32 count   | entry   | entry   | ...
/// +-------------+---------+---------+-----
///
/// entry:  kind        u8, an EntryKind, plus 0x10 where an expiry follows the key
///         key length  varint, of the user's key alone
///         keyspace    u32, big-endian
///         key
///         expiry      varint, only with 0x10
///         put:        value length, varint; value
///         pointer:    32 bytes, a ValuePointer
///         delete:     nothing
/// ```
///
/// The keyspace stands directly before the key and in the byte order of the engine's keys, so that
/// the two together are the engine's key: a memtable takes it as one run of bytes. The count has a
/// fixed width, so that it can be set last and a batch is written in one pass. Spec: log.md, "Batch".
package struct BatchEncoder {
  /// The flag beside the kind that says an expiry follows.
  static let expiryFlag: UInt8 = 0x10
  static let countBytes = 4

  /// How many entries were written.
  package private(set) var count: UInt32 = 0
  private var writer: ByteWriter

  package init(reserving capacity: Int = 0) {
    writer = ByteWriter(reserving: capacity)
    writer.uint32(0)
  }

  package var isEmpty: Bool { count == 0 }

  /// Bytes of the payload so far.
  package var byteCount: Int { writer.count }

  /// Empties the batch and keeps its memory.
  package mutating func removeAll() {
    writer.removeAll()
    writer.uint32(0)
    count = 0
  }

  /// The payload, shared.
  package var payload: [UInt8] { writer.bytes }

  /// Lends the payload: the bytes of ``LogRecordType/batch``. An empty batch is not to be logged.
  package func withPayload<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try writer.bytes.withByteView(body)
  }
}

// MARK: - Entries

extension BatchEncoder {
  /// Adds a value for a key. Costs two copies into the payload; throws `.limit` and adds nothing
  /// where key, value or batch are too large.
  package mutating func put(
    _ key: ByteView, in keyspace: UInt32, _ value: ByteView, expiry: ExpiryTime = 0
  ) throws(FormatError) {
    guard value.count <= Limits.valueBytes else {
      throw tooLarge("a value", value.count, Limits.valueBytes)
    }
    try begin(.put, keyspace, key, expiry, payload: value.count &+ 5)
    writer.varint(UInt64(value.count))
    writer.append(value)
  }

  /// Adds a value that stands in a value file.
  package mutating func put(
    _ key: ByteView, in keyspace: UInt32, at pointer: ValuePointer, expiry: ExpiryTime = 0
  ) throws(FormatError) {
    try begin(.pointer, keyspace, key, expiry, payload: ValuePointer.byteCount)
    pointer.encode(to: &writer)
  }

  /// Adds that a key has no value any more.
  package mutating func delete(_ key: ByteView, in keyspace: UInt32) throws(FormatError) {
    try begin(.delete, keyspace, key, 0, payload: 0)
  }

  /// Writes what every entry begins with, once it is certain that the entry fits.
  private mutating func begin(
    _ kind: EntryKind, _ keyspace: UInt32, _ key: ByteView, _ expiry: ExpiryTime, payload: Int
  ) throws(FormatError) {
    guard key.count <= Limits.keyBytes else {
      throw tooLarge("a key", key.count, Limits.keyBytes)
    }
    // Kind, key length, keyspace and expiry take at most 18 bytes.
    let end = writer.count &+ key.count &+ payload &+ 18
    guard end <= Limits.batchBytes else { throw tooLarge("a batch", end, Limits.batchBytes) }
    let tag = expiry == 0 ? kind.rawValue : kind.rawValue | Self.expiryFlag
    writeHead(tag, key.count, keyspace)
    writer.append(key)
    if expiry != 0 { writer.varint(expiry) }
    count &+= 1
    writer.patch(uint32: count, at: 0)
  }

  /// Kind, key length and keyspace: 1 + 1...3 + 4 bytes, put together in one number.
  private mutating func writeHead(_ tag: UInt8, _ keyCount: Int, _ keyspace: UInt32) {
    var head = UInt64(tag)
    var bits: UInt64 = 8
    var rest = UInt64(keyCount)
    while rest >= 0x80 {
      head |= (rest & 0x7f | 0x80) << bits
      bits &+= 8
      rest >>= 7
    }
    head |= rest << bits
    head |= UInt64(keyspace.byteSwapped) << (bits &+ 8)
    writer.lowBytes(Int(bits / 8) &+ 5, of: head)
  }

  private func tooLarge(_ what: String, _ count: Int, _ limit: Int) -> FormatError {
    Self.tooLarge(what, count, limit, at: writer.count)
  }

  static func tooLarge(_ what: String, _ count: Int, _ limit: Int, at place: Int) -> FormatError {
    FormatError(
      .batch, .limit("\(what) of \(count) bytes (the limit is \(limit))"), at: UInt64(place))
  }
}
