import VarveFormat

/// A change from one version of the store to the next, as flush, compaction and close describe it.
struct VersionEdit {
  var addedSegments: [SegmentRecord] = []
  var removedSegments: Set<UInt64> = []
  /// Segments that change their level and nothing else, by number.
  var movedSegments: [UInt64: UInt8] = [:]
  var addedValueFiles: [ValueFileRecord] = []
  /// Logs below this number are in segments now.
  var logFloor: UInt64?
  /// The highest sequence number in the added segments.
  var lastSequence = SequenceNumber.zero
  /// Set by a clean close: the exact extent of each live log.
  var closingLogs: [LogExtent]?
}

extension VersionEdit {
  /// Both changes as one. They name different segments.
  mutating func merge(_ other: VersionEdit) {
    addedSegments += other.addedSegments
    removedSegments.formUnion(other.removedSegments)
    movedSegments.merge(other.movedSegments) { _, later in later }
    addedValueFiles += other.addedValueFiles
    if let floor = other.logFloor { logFloor = max(logFloor ?? 0, floor) }
    lastSequence = max(lastSequence, other.lastSequence)
    closingLogs = other.closingLogs ?? closingLogs
  }
}

extension Manifest {
  /// The version after `edit`; pure.
  ///
  /// - Parameter isPinned: whether entries outside any segment (a memtable, a batch on its way)
  ///   still point into a value file; one that nobody points into leaves the version.
  func applying(
    _ edit: VersionEdit, isPinned: (UInt64) -> Bool
  ) -> Manifest {
    var next = self
    next.segments.removeAll { edit.removedSegments.contains($0.number) }
    for index in next.segments.indices {
      if let level = edit.movedSegments[next.segments[index].number] {
        next.segments[index].level = level
      }
    }
    next.segments += edit.addedSegments
    next.segments.sort(by: Manifest.segmentsAscend)
    next.lastSequence = max(lastSequence, edit.lastSequence)
    if let floor = edit.logFloor { next.logFloor = max(logFloor, floor) }
    next.isCleanlyClosed = edit.closingLogs != nil
    // What a clean close said of logs that are still needed stays true: nobody writes to them again.
    next.logs = edit.closingLogs ?? logs.filter { $0.number >= next.logFloor }
    next.valueFiles = Self.neededValueFiles(
      valueFiles + edit.addedValueFiles, by: next.segments, isPinned: isPinned)
    return next
  }

  /// The order in which a manifest lists segments.
  static func segmentsAscend(_ left: SegmentRecord, _ right: SegmentRecord) -> Bool {
    if left.level != right.level { return left.level < right.level }
    if left.level == 0 { return left.number < right.number }
    return left.smallestKey.withByteView { smallest in
      right.smallestKey.withByteView { smallest < $0 }
    }
  }

  private static func neededValueFiles(
    _ files: [ValueFileRecord], by segments: [SegmentRecord], isPinned: (UInt64) -> Bool
  ) -> [ValueFileRecord] {
    var referenced: Set<UInt64> = []
    for segment in segments {
      for reference in segment.valueReferences { referenced.insert(reference.file) }
    }
    return
      files
      .filter { referenced.contains($0.number) || isPinned($0.number) }
      .sorted { $0.number < $1.number }
  }
}
