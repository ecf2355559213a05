import VarveFormat
import VarvePlatform

extension StoreVerification {
  /// Checks one segment against `record`, or by itself where there is no record.
  mutating func examineSegment(_ file: FileName, record: SegmentRecord?) {
    withContents(of: file) { this, bytes in
      if let record, record.size != UInt64(bytes.count) {
        this.note(
          IntegrityFinding(
            .damage, file.description,
            "has \(bytes.count) bytes; the manifest says \(record.size)",
            offset: min(record.size, UInt64(bytes.count))))
      }
      var examination = SegmentExamination(
        bytes, readsBlocks: this.depth == .deep, visitor: SegmentChecks())
      examination.run()
      var checks = examination.visitor
      if this.depth == .deep { checks.finish() }
      for finding in checks.findings { this.note(finding, file) }
      if let record { this.compare(checks, bytes, record, file) }
      this.count(
        bytes: this.depth == .deep ? UInt64(bytes.count) : 0, blocks: checks.blockCount,
        entries: checks.counted.entryCount)
      this.examine(checks.takePointers(), file)
    }
  }

  /// What the manifest says of a segment must be what the segment says of itself.
  private mutating func compare(
    _ checks: SegmentChecks, _ bytes: ByteView, _ record: SegmentRecord, _ file: FileName
  ) {
    func disagree(_ what: String) -> IntegrityFinding {
      IntegrityFinding(
        .damage, file.description, "the manifest disagrees about the segment's \(what)",
        structure: FormatError.Structure.properties.rawValue)
    }
    if let header = checks.header, header.identity != record.id {
      note(
        IntegrityFinding(
          .damage, file.description, "is another segment than the manifest names",
          structure: FormatError.Structure.fileHeader.rawValue, offset: 32))
    }
    if depth == .deep, !record.digest.isEmpty, record.digest != SHA256.digest(of: bytes) {
      note(IntegrityFinding(.damage, file.description, "the manifest has another SHA-256 of it"))
    }
    guard let stored = checks.stored else { return }
    let pairs: [(String, Bool)] = [
      ("entry count", stored.entryCount == record.entryCount),
      ("delete count", stored.deleteCount == record.deleteCount),
      ("smallest key", stored.smallestKey == record.smallestKey),
      ("largest key", stored.largestKey == record.largestKey),
      ("smallest sequence", stored.smallestSequence == record.smallestSequence),
      ("largest sequence", stored.largestSequence == record.largestSequence),
      ("raw bytes", stored.rawBytes == record.rawBytes),
      ("value references", stored.valueReferences == record.valueReferences),
    ]
    for (what, agrees) in pairs where !agrees { note(disagree(what)) }
  }
}
