import VarveFormat

/// One live segment: what the manifest knows of it, and its reader, which opens when first read.
///
/// Versions that name the segment share its reader and lifetime; when the last of them is gone and
/// the segment is obsolete, its file may be removed.
final class SegmentHandle: Sendable {
  let record: SegmentRecord
  let reader: SegmentReader
  private let lifetime: FileLifetime

  init(_ record: SegmentRecord, in environment: SegmentEnvironment, _ obsoleteFiles: ObsoleteFiles)
  {
    let name = FileName(.segment, record.number)
    self.record = record
    reader = SegmentReader(
      number: record.number, id: record.id, size: record.size, in: environment)
    lifetime = FileLifetime(name, obsoleteFiles: obsoleteFiles)
  }

  private init(_ record: SegmentRecord, sharing other: SegmentHandle, _ reader: SegmentReader) {
    self.record = record
    self.reader = reader
    lifetime = other.lifetime
  }

  /// The same file with another record: moved to another level.
  func moved(to record: SegmentRecord) -> SegmentHandle {
    SegmentHandle(record, sharing: self, reader)
  }

  /// The same segment, read from where its file is now. Who holds this one goes on with it, and the file
  /// goes when both are gone.
  func reopened(in environment: SegmentEnvironment) -> SegmentHandle {
    SegmentHandle(
      record, sharing: self,
      SegmentReader(number: record.number, id: record.id, size: record.size, in: environment))
  }

  /// The manifest without this segment is durable.
  func markObsolete() { lifetime.markObsolete() }
}

// MARK: - Where its keys lie

extension SegmentHandle {
  func largestKey(isBelow key: ByteView) -> Bool {
    record.largestKey.withByteView { $0 < key }
  }

  func smallestKey(isBelow key: ByteView) -> Bool {
    record.smallestKey.withByteView { $0 < key }
  }

  /// Whether any key from `lower` up to, not including, `upper` may be in the segment.
  func overlaps(_ lower: ByteView, _ upper: ByteView) -> Bool {
    !largestKey(isBelow: lower) && smallestKey(isBelow: upper)
  }
}
