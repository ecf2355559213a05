/// A buffer in which a record with one entry is put together, the most common of all.
///
/// In one pass over key and value: an entry record where the entry fits into one, else what
/// ``BatchEncoder`` and ``LogFramer`` do in two passes. Used by one thread at a time.
package final class SingleRecordEncoder {
  private let heap = ByteHeap()
  /// More than this is not kept for the next record.
  private static let keptBytes = 1 << 20
  /// What stands beside key and value takes no more: header, count, kind, lengths, number, expiry, zeros.
  private static let headBytes = LogRecordHeader.byteCount + 4 + 1 + 3 + 4 + 10 + 5 + 15

  package init() {}

  /// The record that was put together last, ready to be appended; lent until the next one.
  package var record: ByteView { heap.all }

  /// Puts a record together and lends the entry in it, its key with the keyspace's number before it.
  ///
  /// - Parameters:
  ///   - value: of a put; the 32 bytes of a pointer; nothing of a delete, which has no expiry either.
  ///     It and the key are within their limits.
  ///   - watermark: see ``LogFramer/frame(_:_:firstSequence:watermark:identity:offset:into:)``.
  package func frame(
    _ kind: EntryKind, _ key: ByteView, in keyspace: UInt32, _ value: ByteView,
    expiry: ExpiryTime, firstSequence: SequenceNumber, watermark: LogPosition,
    identity: LogIdentity, offset: UInt64
  ) -> BatchEntry {
    precondition(key.count <= Limits.keyBytes && value.count <= Limits.valueBytes)
    precondition(kind == .put || value.count == (kind == .pointer ? ValuePointer.byteCount : 0))
    let fits =
      expiry == 0
      && LogRecordHeader.fitsEntry(
        keyCount: key.count, valueCount: value.count, watermark: watermark, identity: identity)
    let entryType = fits ? LogRecordType(entry: kind) : nil
    let isShort = entryType != nil
    let type = entryType ?? .batch
    heap.removeAll(keeping: Self.keptBytes)
    var (keyAt, valueAt, end) = (0, 0, 0)
    heap.append(atMost: Self.headBytes + key.count + value.count) { heap in
      for _ in 0..<3 { heap.append(0, width: 8) }
      if !isShort {
        heap.append(0, width: 8)
        heap.append(1, width: BatchEncoder.countBytes)
        let tag = expiry == 0 ? kind.rawValue : kind.rawValue | BatchEncoder.expiryFlag
        heap.append(UInt64(tag), width: 1)
        heap.append(varint: UInt64(key.count))
      }
      keyAt = heap.count
      heap.append(UInt64(keyspace.byteSwapped), width: 4)
      heap.append(key)
      if expiry != 0 { heap.append(varint: expiry) }
      if kind == .put, !isShort { heap.append(varint: UInt64(value.count)) }
      valueAt = heap.count
      heap.append(value)
      end = heap.count
      heap.alignTo16()
    }
    var header = LogRecordHeader(
      type: type.rawValue, payloadCount: 0, payloadChecksum: 0, firstSequence: firstSequence,
      watermark: watermark, keyCount: isShort ? key.count : 0)
    header.payloadCount = end &- header.payloadOffset
    var sum = identity.context(at: offset)
    sum.append(heap.view(header.payloadOffset, header.payloadCount))
    header.payloadChecksum = sum.value
    header.set(in: heap, identity: identity, offset: offset)
    return BatchEntry(
      kind: kind, key: heap.view(keyAt, 4 &+ key.count), expiry: expiry,
      value: heap.view(valueAt, value.count))
  }
}
