/// Puts records into the bytes that one append to a log writes.
///
/// ```
/// offset % 16 == 0                              offset + framedCount
/// +--------------+----------------+---------+---------
/// | header, 32   | payload        | zeros   | next record ...
/// +--------------+----------------+---------+---------
/// ```
///
/// A group of batches is framed one after the other into one buffer and appended by one write.
/// Each costs one copy of its payload, one pass of CRC-32C over it, and no allocation where the
/// buffer has room.
package enum LogFramer {
  /// Bytes that a record with a payload of `count` bytes takes in the log.
  package static func framedCount(payload count: Int) -> Int {
    let alignment = LogRecordHeader.alignment
    return LogRecordHeader.byteCount &+ (count &+ alignment &- 1) / alignment &* alignment
  }

  /// Appends the record that will stand at `offset` of the log `identity`.
  ///
  /// - Parameters:
  ///   - firstSequence: of the batch's first entry; of the next entry to come where there is none.
  ///   - watermark: up to where everything is known durable, or `.none`. Until something in this
  ///     log is durable, the end of the log before it.
  package static func frame(
    _ type: LogRecordType, _ payload: ByteView = .empty, firstSequence: SequenceNumber,
    watermark: LogPosition, identity: LogIdentity, offset: UInt64, into writer: inout ByteWriter
  ) {
    precondition(offset >= FileHeader.byteCount && offset % UInt64(LogRecordHeader.alignment) == 0)
    precondition(payload.count <= Limits.batchBytes)
    precondition(type.entryKind == nil, "an entry record has another header")
    precondition(watermark <= LogPosition(log: identity.number, offset: offset))
    var sum = identity.context(at: offset)
    sum.append(payload)
    let header = LogRecordHeader(
      type: type.rawValue, payloadCount: payload.count,
      payloadChecksum: payload.isEmpty ? 0 : sum.value,
      firstSequence: firstSequence, watermark: watermark)
    header.encode(to: &writer, identity: identity, offset: offset)
    writer.append(payload)
    // At most fifteen zeros, in two short runs.
    let padding = -payload.count & (LogRecordHeader.alignment &- 1)
    writer.zeros(padding / 2)
    writer.zeros(padding &- padding / 2)
  }
}
