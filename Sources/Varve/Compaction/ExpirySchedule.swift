import VarveFormat

/// When time alone makes a compaction worth its while, though nobody writes.
extension CompactionPicker {
  /// The first moment after `now` at which a segment comes to hold enough expired entries to be
  /// rewritten; nil where none will. Moments up to `now` were the business of ``plan(for:)``.
  func nextExpiry(in segments: [SegmentRecord], after now: ExpiryTime) -> ExpiryTime? {
    segments.compactMap { moment(of: $0) }.filter { $0 > now }.min()
  }

  /// When the share of expired entries, taking expiries as evenly spread, reaches the limit.
  private func moment(of segment: SegmentRecord) -> ExpiryTime? {
    guard segment.expiringCount > 0 else { return nil }
    let part =
      Double(options.deadPercent) / 100 * Double(segment.entryCount) / Double(segment.expiringCount)
    guard part <= 1 else { return nil }
    let span = Double(segment.latestExpiry - segment.earliestExpiry)
    // Rounded up, so that the limit is reached then and not almost.
    let wait = UInt64(exactly: (span * part).rounded(.up)) ?? .max
    let (moment, overflow) = segment.earliestExpiry.addingReportingOverflow(wait)
    return overflow ? nil : min(moment, segment.latestExpiry)
  }
}

extension Engine {
  /// Until when the compacting thread may rest, in nanoseconds of the monotonic clock, if nothing is
  /// flushed meanwhile. At most ten minutes: the wall clock may be set in between.
  var compactionRest: UInt64 {
    let picker = CompactionPicker(options: compactionOptions)
    let now = clock.now()
    let next = picker.nextExpiry(in: versions.current.manifest.segments, after: now)
    guard let next else { return .max }
    let milliseconds = min(next - now, 600_000)
    return clock.monotonicNanoseconds() + milliseconds * 1_000_000
  }
}
