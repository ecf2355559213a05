import VarveFormat

/// Dumps a log of a bucket: batches that were written after its newest version.
struct BucketLogDump {
  let writer: DumpWriter

  /// First sequence and payload length, before each payload.
  private static let batchHeaderBytes: UInt64 = 8 + 4
  /// Epoch, writer and nonce, before the count of batches.
  private static let fixedBytes: UInt64 = 8 + 16 + 16

  /// The lines of a log whose body has `bodyBytes` bytes.
  func show(_ log: BucketLog, _ bodyBytes: UInt64) {
    let start = UInt64(ObjectFrame.byteCount)
    writer.write(item(log, at: start, bodyBytes))
    var count = ByteWriter()
    count.varint(UInt64(log.batches.count))
    var offset = start + Self.fixedBytes + UInt64(count.count)
    for batch in log.batches {
      show(batch, at: offset)
      offset += Self.batchHeaderBytes + UInt64(batch.payload.count)
    }
  }

  private func item(_ log: BucketLog, at offset: UInt64, _ bodyBytes: UInt64) -> DumpItem {
    var item = DumpItem("log", at: offset, length: bodyBytes)
    item.add("epoch", log.epoch)
    item.add("writer", log.writer)
    item.add("nonce", log.nonce)
    item.add("batches", log.batches.count)
    item.add("entries", log.batches.reduce(0) { $0 + $1.count })
    if let first = log.batches.first?.first, let last = log.last {
      item.add("first sequence", first.rawValue)
      item.add("last sequence", last.rawValue)
    }
    return item
  }

  private func show(_ batch: BucketLog.Batch, at offset: UInt64) {
    if writer.showsBlocks {
      var item = DumpItem(
        "batch", at: offset, length: Self.batchHeaderBytes + UInt64(batch.payload.count))
      item.add("first sequence", batch.first.rawValue)
      item.add("entries", batch.count)
      item.add("payload", batch.payload.count)
      writer.write(item)
    }
    guard writer.detail.entries else { return }
    do throws(FormatError) {
      try batch.payload.withByteView { payload throws(FormatError) in
        try showEntries(BatchDecoder(payload, at: offset + Self.batchHeaderBytes), batch.first)
      }
    } catch {
      writer.damage(error)
    }
  }

  private func showEntries(
    _ entries: BatchDecoder, _ first: SequenceNumber
  ) throws(FormatError) {
    var entries = entries
    var sequence = first.rawValue
    while let entry = try entries.next() {
      writer.write(
        .entry(
          key: entry.key, sequence: SequenceNumber(sequence), kind: entry.kind,
          expiry: entry.expiry, value: entry.value))
      sequence &+= 1
    }
  }
}
