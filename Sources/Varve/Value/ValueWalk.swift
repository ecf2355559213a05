import VarveFormat

/// Notices that values are read in the order in which they lie, as a scan does after they were moved
/// together; pure.
struct ValueWalk {
  /// Values this close behind the last one go on from it.
  private static let nearBytes: UInt64 = 64 << 10

  /// What a walk reads at least, as a guess, in values and in bytes at most.
  private static let firstValues: UInt64 = 16
  private static let mostFirstBytes: UInt64 = 256 << 10

  private var file: UInt64 = 0
  private var end: UInt64 = 0
  private var ahead = ReadAhead()

  /// What should be read along with the pointer's value where that is a request, and the walk begins there: a few
  /// more like it. Nil where it goes on.
  func first(_ pointer: ValuePointer) -> Range<UInt64>? {
    guard !isNear(pointer) else { return nil }
    let bytes = min(Self.firstValues * UInt64(pointer.storedCount), Self.mostFirstBytes)
    let (end, overflow) = pointer.offset.addingReportingOverflow(bytes)
    return overflow ? nil : pointer.offset..<end
  }

  /// Whether the pointer goes on from the last one.
  func isNear(_ pointer: ValuePointer) -> Bool {
    pointer.file == file && pointer.offset >= end && pointer.offset - end <= Self.nearBytes
  }

  /// What of the pointer's file should be read ahead, now that the value is read; it may go past the
  /// file's end.
  mutating func next(_ pointer: ValuePointer) -> Range<UInt64>? {
    let stored = UInt64(pointer.storedCount)
    let (last, overflow) = pointer.offset.addingReportingOverflow(stored)
    guard !overflow else { return nil }
    if !isNear(pointer) { ahead = ReadAhead() }
    (file, end) = (pointer.file, last)
    return ahead.next(pointer.offset..<last, forward: true, within: 0..<UInt64.max)
  }
}
