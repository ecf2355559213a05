import VarveFormat

// Inputs chosen because nobody needs much of what is in them: deletes, expired entries, dropped
// keyspaces.

extension InputChooser {
  func isMostlyDeletes(_ segment: SegmentRecord) -> Bool {
    segment.deleteCount.multipliedStated(by: 100)
      >= segment.entryCount.multipliedStated(by: options.deadPercent)
  }

  /// Whether nothing older than the segment's entries lies below it, nor any reader between them: a
  /// rewrite in place leaves the newest value of each key and not one delete.
  func canBeCleaned(_ segment: SegmentRecord) -> Bool {
    segment.level > 0 && segment.largestSequence <= state.rules.oldest.sequence
      && !map.hasOverlap(KeySpan(segment), below: Int(segment.level))
  }

  /// The share of entries that are worth a rewrite to be rid of: deletes, and overwritten versions
  /// where nobody reads them any more. Zero where it is below `least` or a rewrite would not help.
  func deadShare(of segment: SegmentRecord, least: Double) -> Double {
    let overwritten = segment.entryCount - min(segment.entryCount, segment.keyCount)
    let entries = Double(max(1, segment.entryCount))
    let share = min(1, Double(segment.deleteCount.addingStated(overwritten)) / entries)
    guard segment.level > 0, share >= least else { return 0 }
    if canBeCleaned(segment) { return share }
    // Above other data its deletes sink towards what they delete.
    guard segment.level < map.last,
      map.hasOverlap(KeySpan(segment), below: Int(segment.level))
    else { return 0 }
    let deletes = Double(segment.deleteCount) / entries
    return deletes >= least ? deletes : 0
  }

  /// Whether any entry has expired for every reader: one whose time is now has.
  func hasExpired(_ segment: SegmentRecord) -> Bool {
    segment.expiringCount > 0 && segment.earliestExpiry <= state.rules.oldest.time
  }

  /// About what share of the entries has expired for every reader, taking expiries as evenly spread.
  func expiredShare(of segment: SegmentRecord) -> Double {
    let now = state.rules.oldest.time
    guard hasExpired(segment) else { return 0 }
    let span = Double(segment.latestExpiry - segment.earliestExpiry)
    let past =
      segment.latestExpiry <= now ? 1 : Double(now - segment.earliestExpiry) / max(1, span)
    return past * Double(segment.expiringCount) / Double(max(1, segment.entryCount))
  }

  /// Gets rid of the deletes of a segment: in place at the bottom, else by letting it sink.
  func tombstones(in segment: SegmentRecord) -> CompactionPlan? {
    if canBeCleaned(segment) { return rewrite(segment, .tombstones) }
    let level = Int(segment.level)
    guard let index = map.levels[level].firstIndex(where: { $0.number == segment.number }) else {
      return nil
    }
    return sink(index, of: level, .tombstones, atOnce: false)
  }

  /// The segment into the level where it is. A segment of level 0 goes down instead, because its
  /// place there is given by its age.
  func rewrite(_ segment: SegmentRecord, _ reason: CompactionPlan.Reason) -> CompactionPlan? {
    let level = Int(segment.level)
    guard level > 0 else { return levelZero(reason) }
    return plan(reason, of: [.init(level: level, segments: [segment])], to: level)
  }

  /// Segments with nothing but dropped keyspaces in them, all of a level at a time.
  func droppedKeyspaces() -> CompactionPlan? {
    for level in map.levels.indices {
      let gone = map.levels[level].filter { !isTaken($0) && isWhollyDropped($0) }
      // They may lie apart; no gap is written, so running outputs do not matter.
      if let plan = CompactionPlan(
        .droppedKeyspace, .remove, [.init(level: level, segments: gone)], to: level, in: map)
      {
        return plan
      }
    }
    return nil
  }

  private func isWhollyDropped(_ segment: SegmentRecord) -> Bool {
    dropped.containsAll(of: keyspaces(of: segment))
  }

  /// Whether a dropped keyspace may have entries in the segment.
  func mayHoldDropped(_ segment: SegmentRecord) -> Bool {
    dropped.containsAny(of: keyspaces(of: segment))
  }

  private func keyspaces(of segment: SegmentRecord) -> ClosedRange<UInt32> {
    let first = segment.smallestKey.withByteView { $0.uint32(at: 0)?.byteSwapped ?? 0 }
    let last = segment.largestKey.withByteView { $0.uint32(at: 0)?.byteSwapped ?? 0 }
    return first...max(first, last)
  }
}
