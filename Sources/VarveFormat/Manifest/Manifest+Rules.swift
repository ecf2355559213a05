// What must hold between the records of one manifest. A writer is held to it as a reader is.

extension Manifest {
  /// Throws the first rule of the spec that the manifest breaks; offsets are those of the body.
  package func checkRules() throws(FormatError) {
    guard nextFileNumber > 0, nextFileNumber <= Limits.fileNumber, number <= Limits.fileNumber
    else { throw Self.error(.limit("file number")) }
    guard lastSequence <= .max else { throw Self.error(.limit("sequence number")) }
    guard logFloor <= nextFileNumber else { throw Self.error(.value("log floor")) }
    try checkNumbers()
    try checkSegmentOrder()
    try checkReferences()
  }

  /// No fewer bytes than the file of this version has: what a writer holds against
  /// `Limits.manifestBytes`.
  package var largestByteCount: Int {
    var count = 1024 + 32 * logs.count + 64 * valueFiles.count
    for segment in segments {
      count += 256 + segment.smallestKey.count + segment.largestKey.count
      count += 30 * segment.valueReferences.count
    }
    return count
  }

  private static func error(_ fault: FormatError.Fault) -> FormatError {
    FormatError(.manifest, fault, at: UInt64(prefixBytes))
  }

  /// Logs, segments and value files draw their numbers from one counter: none is used twice.
  private func checkNumbers() throws(FormatError) {
    for (log, next) in zip(logs, logs.dropFirst()) where log.number >= next.number {
      throw Self.error(.order)
    }
    if let first = logs.first, first.number < logFloor { throw Self.error(.value("log floor")) }
    for (file, next) in zip(valueFiles, valueFiles.dropFirst()) where file.number >= next.number {
      throw Self.error(.order)
    }
    let numbers =
      (logs.map(\.number) + segments.map(\.number) + valueFiles.map(\.number)).sorted()
    for (number, next) in zip(numbers, numbers.dropFirst()) where number == next {
      throw Self.error(.value("file number"))
    }
    if let last = numbers.last, last >= nextFileNumber { throw Self.error(.limit("file number")) }
    if numbers.first == 0 { throw Self.error(.value("file number")) }
  }

  /// Levels ascend; level 0 goes by number; deeper levels are disjoint and go by key.
  private func checkSegmentOrder() throws(FormatError) {
    // In place: a pair of copies would cost as much as reading the records.
    for place in segments.indices.dropFirst()
    where !Self.isOrdered(segments[place - 1], segments[place]) {
      throw Self.error(.order)
    }
    for segment in segments where segment.largestSequence > lastSequence {
      throw Self.error(.limit("sequence number"))
    }
  }

  private static func isOrdered(_ segment: SegmentRecord, _ next: SegmentRecord) -> Bool {
    guard segment.level == next.level else { return segment.level < next.level }
    return segment.level == 0
      ? segment.number < next.number
      : segment.largestKey.lexicographicallyPrecedes(next.smallestKey)
  }

  /// Every value file that a segment points into is live.
  private func checkReferences() throws(FormatError) {
    let live = Set(valueFiles.map(\.number))
    for segment in segments {
      for reference in segment.valueReferences where !live.contains(reference.file) {
        throw Self.error(.value("value reference"))
      }
    }
  }
}
