/// Batches that were written after the newest version of a bucket: an object `log/<number>`.
/// Spec: bucket.md, "Log".
///
/// ```
/// body: epoch         u64           count    varint, of batches
///       writer, nonce 16 bytes      batches  first sequence u64, length u32, payload
///                                   fields
/// ```
package struct BucketLog: Equatable, Sendable {
  /// One batch, whole, with all its values.
  package struct Batch: Equatable, Sendable {
    /// The number of its first entry.
    package var first: SequenceNumber
    /// How many entries it has.
    package var count: UInt64
    package var payload: [UInt8]

    /// - Parameter payload: of `count` entries; read back it is checked.
    package init(first: SequenceNumber, count: UInt64, payload: [UInt8]) {
      self.first = first
      self.count = count
      self.payload = payload
    }

    /// The number of its last entry.
    package var last: SequenceNumber { SequenceNumber(first.rawValue &+ (count &- 1)) }
  }

  /// Bytes of the longest payload.
  package static let mostBatchBytes = 1 << 28
  /// Bytes of all payloads of one log at which no further batch is taken.
  package static let fullBytes = 8 << 20

  package var storeID: FileID
  /// Counts logs; also the end of the object's name.
  package var number: UInt64
  package var epoch: UInt64
  package var writer: FileID
  /// Drawn for each log: tells one's own from another's where an answer was lost.
  package var nonce: FileID
  /// In order and without a gap. None: the log only ends those of older epochs.
  package var batches: [Batch]

  package init(
    storeID: FileID, number: UInt64, epoch: UInt64, writer: FileID, nonce: FileID, batches: [Batch]
  ) {
    self.storeID = storeID
    self.number = number
    self.epoch = epoch
    self.writer = writer
    self.nonce = nonce
    self.batches = batches
  }

  /// The number of the last entry; nil where there is none.
  package var last: SequenceNumber? { batches.last?.last }
}

// MARK: - Coding

extension BucketLog {
  /// The whole object.
  package func encoded() -> [UInt8] {
    let bytes = batches.reduce(0) { $0 + $1.payload.count + 12 }
    var writer = ByteWriter(reserving: 64 + bytes)
    writer.uint64(epoch)
    for id in [self.writer, nonce] {
      writer.uint64(id.low)
      writer.uint64(id.high)
    }
    writer.varint(UInt64(batches.count))
    for batch in batches {
      writer.uint64(batch.first.rawValue)
      writer.uint32(UInt32(batch.payload.count))
      writer.append(batch.payload)
    }
    ManifestFields().encode(to: &writer)
    return ObjectFrame(.log, number: number, storeID: storeID).encoded(writer.bytes)
  }

  /// Reads a whole object, every entry of every batch too.
  package init(decoding object: ByteView, named number: UInt64) throws(FormatError) {
    var (frame, reader) = try ObjectFrame.decode(object, as: .log, .bucketLog)
    guard frame.number == number, 1...Limits.fileNumber ~= number else {
      throw FormatError(.bucketObject, .value("number"), at: 16)
    }
    storeID = frame.storeID
    self.number = number
    let start = reader
    epoch = try reader.uint64()
    guard 1...Limits.fileNumber ~= epoch else { throw start.error(.limit("epoch")) }
    writer = FileID(low: try reader.uint64(), high: try reader.uint64())
    nonce = FileID(low: try reader.uint64(), high: try reader.uint64())
    batches = []
    let count = try reader.count(ofItemsOf: Batch.smallestBytes, "batch count")
    batches.reserveCapacity(count)
    for _ in 0..<count {
      let place = reader
      let batch = try Batch(&reader)
      if let last, last.rawValue &+ 1 != batch.first.rawValue { throw place.error(.order) }
      batches.append(batch)
    }
    _ = try ManifestFields(&reader, known: [])
    try reader.end()
  }
}

extension BucketLog.Batch {
  /// First sequence, length, count of entries, and one entry.
  static let smallestBytes = 8 + 4 + 4 + 6

  fileprivate init(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    first = SequenceNumber(try reader.uint64())
    let length = Int(try reader.uint32())
    guard length <= BucketLog.mostBatchBytes else { throw start.error(.limit("batch length")) }
    let place = reader.offset
    let view = try reader.view(length)
    var entries = try BatchDecoder(view, at: place)
    count = UInt64(entries.count)
    while let entry = try entries.next() {
      guard entry.kind != .pointer else {
        throw FormatError(.batch, .value("entry kind"), at: place)
      }
    }
    // The largest number reads everything, and no entry has it.
    guard 1..<SequenceNumber.max.rawValue ~= first.rawValue,
      count <= SequenceNumber.max.rawValue - first.rawValue
    else { throw start.error(.limit("sequence")) }
    payload = view.array
  }
}
