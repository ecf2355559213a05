/// The sizes and shares by which compaction is planned.
struct CompactionOptions: Sendable {
  /// Bytes a segment grows to before the next one is begun.
  var segmentBytes: UInt64
  /// Bytes of values from which the next file is begun.
  var valueFileBytes: UInt64 = 64 << 20
  /// Bytes that the level below level 0 holds before it is passed on.
  var baseBytes: UInt64
  /// Segments in level 0 that start a compaction: so many sorted runs a reader may meet, and so much
  /// is written once for each time the level below is written again.
  var levelZeroTrigger = 8
  /// Segments in level 0 from which nothing else comes first.
  var levelZeroUrgent = 16
  /// How many times larger each level is than the one above.
  var levelMultiplier: UInt64 = 10
  /// The level where everything comes to rest.
  var lastLevel = 6
  /// Percent of a segment's entries that may be deletes, or expired, before it is rewritten.
  var deadPercent: UInt64 = 50
  /// Percent of all bytes in value files that may be garbage, and how much is left when they were
  /// more. At 55 value files take at most 2.2 times what is live in them, beside what level 0 hides.
  var garbagePercent: UInt64 = 55
  var garbagePercentLeft: UInt64 = 50
  /// Percent of the bytes in value files that level 0 may point to before it is merged: what they
  /// replaced is not known as garbage until then.
  var hiddenValuePercent: UInt64 = 20
  /// Percent of a value file that must be live for it to be left alone when the user asks for
  /// everything to be compacted.
  var liveValuePercentInFull: UInt64 = 95

  /// - Parameter flushBytes: what a flush writes at a time, about.
  init(segmentBytes: UInt64 = 64 << 20, flushBytes: UInt64 = 64 << 20) {
    self.segmentBytes = segmentBytes
    baseBytes = UInt64(levelZeroTrigger) * max(segmentBytes, flushBytes)
  }

  /// Bytes of segments, or of relocated values, that one compaction reads, where it has a choice.
  var largestInputBytes: UInt64 { 25 * segmentBytes }
  /// Bytes that an output may overlap two levels down before it is cut.
  var largestOverlapBytes: UInt64 { 10 * segmentBytes }
  /// Bytes of so many inputs from which two threads share a compaction: one that is rewritten in place
  /// would be cut in two each time.
  func sharedBytes(of inputCount: Int) -> UInt64 {
    inputCount == 1 ? 2 * segmentBytes : segmentBytes / 2
  }
  /// Bytes below which a segment is merged rather than moved.
  var smallestMoveBytes: UInt64 { segmentBytes / 8 }
}
