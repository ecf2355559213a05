import VarveFormat

/// Dumps a log: its records to the first flaw, then whatever records can be found behind it.
struct LogDump {
  let writer: DumpWriter

  func run(_ bytes: ByteView) {
    guard let header = writer.header(of: bytes, as: .log) else { return }
    guard UInt64(bytes.count) <= Limits.logFileBytes else {
      // No store has such a log, and what is searched behind a flaw may be a hole.
      return writer.damage(FormatError(.logRecord, .limit("file size"), at: Limits.logFileBytes))
    }
    let identity = LogIdentity(number: header.number, salt: header.identity.low)
    var offset = FileHeader.byteCount
    var sums = Sums()
    while true {
      var reader = LogReader(bytes, identity: identity, at: offset)
      while let record = reader.next() {
        sums.add(record)
        show(record)
      }
      guard case .invalid(let flaw) = reader.end else {
        showEnd(bytes, reader.offset)
        break
      }
      writer.damage(flaw.error)
      guard let next = nextRecord(in: bytes, after: reader.offset, identity) else {
        showRest(bytes, reader.offset)
        break
      }
      showSkipped(from: reader.offset, to: next)
      offset = next
    }
    show(sums)
  }

  /// Where the next intact header stands behind a flaw. An intact header is believed as to where its
  /// record ends, so that no byte is read twice.
  private func nextRecord(
    in bytes: ByteView, after offset: Int, _ identity: LogIdentity
  ) -> Int? {
    var place = offset + LogRecordHeader.alignment
    if let broken = try? LogRecordHeader(in: bytes, at: offset, identity: identity) {
      place = offset + broken.framedCount
    }
    while place <= bytes.count - LogRecordHeader.byteCount {
      if (try? LogRecordHeader(in: bytes, at: place, identity: identity)) != nil { return place }
      place += LogRecordHeader.alignment
    }
    return nil
  }
}

// MARK: - Items

extension LogDump {
  private struct Sums {
    var records: UInt64 = 0
    var entries: UInt64 = 0
    var payloadBytes: UInt64 = 0
    var first: SequenceNumber?
    var last: SequenceNumber?

    mutating func add(_ record: LogRecord) {
      records += 1
      entries += UInt64(record.entryCount)
      payloadBytes += UInt64(record.payload.count)
      guard record.entryCount > 0 else { return }
      first = first ?? record.firstSequence
      last = SequenceNumber(record.firstSequence.rawValue + UInt64(record.entryCount) - 1)
    }
  }

  private func show(_ record: LogRecord) {
    if writer.showsBlocks {
      var item = DumpItem("record", at: record.offset, length: record.end - record.offset)
      item.add("type", record.type.map { "\($0)" } ?? "unknown, ignorable")
      item.add("first sequence", record.firstSequence.rawValue)
      item.add("entries", record.entryCount)
      item.add("payload", record.payload.count)
      if record.watermark != .none { item.add("watermark", record.watermark.description) }
      writer.write(item)
    }
    guard record.entryCount > 0 else { return }
    do throws(FormatError) { try showEntries(record) } catch { writer.damage(error) }
  }

  /// Decodes every entry, shown or not: a batch that breaks is worth a line in any case.
  private func showEntries(_ record: LogRecord) throws(FormatError) {
    var batch = try BatchDecoder(of: record)
    var sequence = record.firstSequence.rawValue
    while let entry = try batch.next() {
      if writer.detail.entries {
        writer.write(
          .entry(
            key: entry.key, sequence: SequenceNumber(sequence), kind: entry.kind,
            expiry: entry.expiry, value: entry.value))
      }
      sequence &+= 1
    }
  }

  private func showEnd(_ bytes: ByteView, _ offset: Int) {
    // A file cut within its header ends before its first record.
    let rest = max(0, bytes.count - offset)
    var item = DumpItem("end", at: UInt64(offset), length: UInt64(rest))
    item.add("state", rest == 0 ? "the file ends here" : "nothing but zeros")
    writer.write(item)
  }

  private func showRest(_ bytes: ByteView, _ offset: Int) {
    var item = DumpItem("unread", at: UInt64(offset), length: UInt64(max(0, bytes.count - offset)))
    item.add("state", "no intact record header up to the end of the file")
    writer.write(item)
  }

  private func showSkipped(from start: Int, to end: Int) {
    var item = DumpItem("unread", at: UInt64(start), length: UInt64(end - start))
    item.add("state", "the next intact record header follows")
    writer.write(item)
  }

  private func show(_ sums: Sums) {
    var item = DumpItem("sum")
    item.add("records", sums.records)
    item.add("entries", sums.entries)
    item.add("payload bytes", sums.payloadBytes)
    if let first = sums.first, let last = sums.last {
      item.add("first sequence", first.rawValue)
      item.add("last sequence", last.rawValue)
    }
    writer.write(item)
  }
}
