import VarveFormat

/// Notices that values are read in the order in which they lie, as a scan does after they were moved
/// together; pure.
struct ValueWalk {
  /// Values this close behind the last one go on from it.
  private static let nearBytes: UInt64 = 64 << 10

  private var file: UInt64 = 0
  private var end: UInt64 = 0
  private var ahead = ReadAhead()

  /// What of the pointer's file should be read ahead, now that the value is read; it may go past the
  /// file's end.
  mutating func next(_ pointer: ValuePointer) -> Range<UInt64>? {
    let stored = UInt64(pointer.storedCount)
    let (last, overflow) = pointer.offset.addingReportingOverflow(stored)
    guard !overflow else { return nil }
    let isNear =
      pointer.file == file && pointer.offset >= end && pointer.offset - end <= Self.nearBytes
    if !isNear { ahead = ReadAhead() }
    (file, end) = (pointer.file, last)
    return ahead.next(pointer.offset..<last, forward: true, within: 0..<UInt64.max)
  }
}
