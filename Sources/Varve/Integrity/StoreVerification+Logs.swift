import VarveFormat
import VarvePlatform

// Logs are judged together, by the very rules that opening uses: what is damage here refuses to open,
// what is a torn tail here is dropped there.

extension StoreVerification {
  func examineLogs(_ files: [FileName], _ manifest: Manifest) {
    let logs = files.filter { $0.kind == .log }
    var kept: [AlignedContents] = []
    var sources: [LogSource] = []
    var left = mostLogBytes
    var isUnread = false
    for file in logs {
      guard manifest.needs(log: file.number) else {
        note(
          IntegrityFinding(
            .notice, "\(file)", "left over; the next opening for writing removes it"))
        continue
      }
      do {
        let contents = AlignedContents(
          try FileContents(
            of: file.description, in: directory, readLimit: left, mayBeCut: false))
        left -= min(left, contents.readBytes)
        kept.append(contents)
        sources.append(contents.source(file.number))
        count(bytes: UInt64(contents.bytes.count))
      } catch {
        isUnread = true
        note(IntegrityFinding(error, in: file.description))
      }
    }
    // Where one cannot be read the others would be judged as if it were gone.
    if !isUnread { withExtendedLifetime(kept) { judge(sources, manifest) } }
  }

  private func judge(_ sources: [LogSource], _ manifest: Manifest) {
    do throws(LogDamage) {
      let replay = try LogReplay(sources, of: manifest)
      countFiles(replay.parts.count)
      if let tail = replay.tornTail { note(tail) }
      for part in replay.parts { examineBatches(part, durable: replay.durable) }
    } catch {
      note(error.error, error.file)
    }
  }

  private func note(_ tail: TornTail) {
    let later = tail.droppedLogs.count
    let logs = later == 0 ? "" : ", and \(later) later \(later == 1 ? "log" : "logs")"
    note(
      IntegrityFinding(
        .notice, "\(FileName(.log, tail.position.log))",
        "a torn tail of \(tail.droppedBytes) bytes\(logs), never known to be durable; opening"
          + " drops it",
        structure: tail.flaw.map { $0.error.structure.rawValue }, offset: tail.position.offset))
  }

  /// Every entry of every record that opening would replay.
  private func examineBatches(_ part: LogReplay.Part, durable: LogPosition) {
    let file = FileName(.log, part.identity.number)
    var reader = LogReader(part.bytes, identity: part.identity)
    while let record = reader.next() {
      count(logRecords: 1)
      guard record.entryCount > 0 else { continue }
      do throws(FormatError) {
        let end = LogPosition(log: file.number, offset: record.end)
        try examineBatch(record, of: file, isDurable: end <= durable)
      } catch {
        note(error, file)
      }
    }
  }

  private func examineBatch(
    _ record: LogRecord, of file: FileName, isDurable: Bool
  ) throws(FormatError) {
    var batch = try BatchDecoder(of: record)
    while let entry = try batch.next() {
      count(entries: 1)
      try SystemEntry.check(entry.kind, key: entry.key, value: entry.value, at: record.offset)
      guard depth == .deep, entry.kind == .pointer else { continue }
      let pointer = try ValuePointer(decoding: entry.value, at: record.offset)
      examineLoggedValue(pointer, of: file, isDurable: isDurable)
    }
  }
}

/// File contents that can be kept in an array.
private final class AlignedContents {
  private let contents: FileContents

  init(_ contents: consuming FileContents) { self.contents = contents }

  var bytes: ByteView { contents.bytes }
  var readBytes: UInt64 { contents.readBytes }

  func source(_ number: UInt64) -> LogSource {
    LogSource(number: number, bytes: contents.bytes, writtenCount: contents.writtenCount)
  }
}
