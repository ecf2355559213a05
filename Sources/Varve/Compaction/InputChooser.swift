import VarveFormat

/// Finds complete sets of inputs: those that keep newer versions above older ones.
///
/// A version of a key may sink only together with, or after, all its older versions. So
///
/// * from level 0 a segment takes along every other that overlaps it, and what those overlap, on and
///   on (LevelDB's issue 44 shows what happens otherwise: a delete sinks below the put it hides);
/// * from any level the output level's segments go in wherever the keys in between overlap them.
///
/// Two compactions at work never share a segment, and never write overlapping keys into one level.
struct InputChooser: Sendable {
  let state: CompactionState
  let options: CompactionOptions
  let map: LevelMap
  private let taken: Set<UInt64>

  init(_ state: CompactionState, _ options: CompactionOptions) {
    self.state = state
    self.options = options
    map = LevelMap(state.segments, options)
    taken = state.running.reduce(into: []) { taken, plan in
      for segment in plan.segments { taken.insert(segment.number) }
    }
  }

  /// Whether a compaction at work has this segment.
  func isBusy(_ segment: SegmentRecord) -> Bool { taken.contains(segment.number) }

  /// Whether the segment may not be an input.
  func isTaken(_ segment: SegmentRecord) -> Bool {
    isBusy(segment) || state.unusable.contains(segment.number)
  }

  /// Whether a compaction at work writes keys of `range` into `level`.
  private func isWritten(_ range: KeySpan, in level: Int) -> Bool {
    state.running.contains { $0.outputLevel == level && $0.range.overlaps(range) }
  }

  /// The finished plan, unless something at work stands in its way.
  private func plan(
    _ reason: CompactionPlan.Reason, _ action: CompactionPlan.Action = .rewrite,
    of inputs: [CompactionPlan.Input], to level: Int, relocating files: Set<UInt64> = []
  ) -> CompactionPlan? {
    guard !inputs.contains(where: { $0.segments.contains(where: isTaken) }),
      let plan = CompactionPlan(
        reason, action, inputs, to: level, in: map, relocating: files),
      !isWritten(plan.range, in: level)
    else { return nil }
    return plan
  }
}

// MARK: - Level 0

extension InputChooser {
  /// Level 0 into the base level: the oldest segment and all that must go with it.
  func levelZero(
    _ reason: CompactionPlan.Reason, relocating files: Set<UInt64> = []
  ) -> CompactionPlan? {
    let zero = map.levels[0]
    for seed in zero where !isTaken(seed) {
      // Where a running compaction has some of it, the rest waits: newer must not overtake older.
      var group = closure(of: seed)
      // Little pieces are gathered: all of level 0 is always a complete set.
      if group.bytes < options.segmentBytes, !zero.contains(where: isTaken) { group = zero }
      guard let range = KeySpan.spanning(group) else { continue }
      let below = Array(map.overlapping(range, in: map.base))
      let isMove =
        group.count == 1 && below.isEmpty && files.isEmpty
        && group.bytes >= options.smallestMoveBytes && isMovable(group[0], to: map.base)
      let inputs = [
        CompactionPlan.Input(level: 0, segments: group),
        CompactionPlan.Input(level: map.base, segments: below),
      ]
      if let plan = plan(
        reason, isMove ? .move : .rewrite, of: inputs, to: map.base, relocating: files)
      {
        return plan
      }
    }
    return nil
  }

  /// Whether level 0 could be merged if something at work were done.
  var isLevelZeroWaiting: Bool {
    !state.running.isEmpty && !map.levels[0].contains(where: isBusy)
      && levelZero(.levelZero) == nil
  }

  /// The segments of level 0 whose keys are connected with those of `seed`, oldest first.
  private func closure(of seed: SegmentRecord) -> [SegmentRecord] {
    var range = KeySpan(seed)
    while true {
      let group = map.levels[0].filter { KeySpan($0).overlaps(range) }
      guard let hull = KeySpan.spanning(group), hull != range else { return group }
      range = hull
    }
  }

  /// Whether a segment may change its level as it is, although nothing is merged on the way.
  private func isMovable(_ segment: SegmentRecord, to level: Int) -> Bool {
    guard level < map.last else { return true }
    return map.overlapping(KeySpan(segment), in: level + 1).bytes <= options.largestOverlapBytes
  }
}

// MARK: - A level into the next

extension InputChooser {
  /// Some of a level into the next one: segments full of deletes first, then round robin by key.
  func level(_ level: Int, _ reason: CompactionPlan.Reason) -> CompactionPlan? {
    let segments = map.levels[level]
    let start = state.starts[level].map { start in
      segments.partitionPoint { !start.isBelow($0.smallestKey) }
    }
    let first = start ?? 0
    let inTurn = Array(first..<segments.count) + Array(0..<min(first, segments.count))
    let dense = inTurn.filter { isMostlyDeletes(segments[$0]) }
    for index in dense + inTurn where !isTaken(segments[index]) {
      if let plan = sink(index, of: level, reason, atOnce: false) { return plan }
    }
    return nil
  }

  /// The segment at `index` of a level into the next level, with neighbours.
  ///
  /// - Parameter atOnce: whether neighbours are taken along up to the largest input, or only those
  ///   that cost nothing because they overlap no more of the next level.
  func sink(
    _ index: Int, of level: Int, _ reason: CompactionPlan.Reason, atOnce: Bool
  ) -> CompactionPlan? {
    let segments = map.levels[level]
    guard var range = KeySpan.spanning(segments[index...index]) else { return nil }
    var below = map.overlapping(range, in: level + 1)
    if below.isEmpty, isMovable(segments[index], to: level + 1) {
      return plan(
        reason, .move, of: [.init(level: level, segments: [segments[index]])], to: level + 1)
    }
    var end = index + 1
    while end < segments.count, !isTaken(segments[end]) {
      var wider = range
      wider.formUnion(KeySpan(segments[end]))
      let widerBelow = map.overlapping(wider, in: level + 1)
      guard atOnce || widerBelow.count == below.count,
        segments[index...end].bytes + widerBelow.bytes <= options.largestInputBytes
      else { break }
      (range, below, end) = (wider, widerBelow, end + 1)
    }
    return plan(
      reason,
      of: [
        .init(level: level, segments: Array(segments[index..<end])),
        .init(level: level + 1, segments: Array(below)),
      ], to: level + 1)
  }
}

// MARK: - Dead entries

extension InputChooser {
  private func isMostlyDeletes(_ segment: SegmentRecord) -> Bool {
    segment.deleteCount * 100 >= segment.entryCount * options.deadPercent
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
    let share = min(1, Double(segment.deleteCount + overwritten) / entries)
    guard segment.level > 0, share >= least else { return 0 }
    if canBeCleaned(segment) { return share }
    // Above other data its deletes sink towards what they delete.
    guard segment.level < map.last,
      map.hasOverlap(KeySpan(segment), below: Int(segment.level))
    else { return 0 }
    let deletes = Double(segment.deleteCount) / entries
    return deletes >= least ? deletes : 0
  }

  /// About what share of the entries has expired for every reader, taking expiries as evenly spread.
  func expiredShare(of segment: SegmentRecord) -> Double {
    let now = state.rules.oldest.time
    guard segment.expiringCount > 0, segment.earliestExpiry <= now else { return 0 }
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
    keyspaces(of: segment).allSatisfy(state.rules.dropsKeyspace)
  }

  /// Whether a dropped keyspace may have entries in the segment.
  func mayHoldDropped(_ segment: SegmentRecord) -> Bool {
    let keyspaces = keyspaces(of: segment)
    // Of so many, one has been dropped as good as surely.
    return keyspaces.count > 4_096 || keyspaces.contains(where: state.rules.dropsKeyspace)
  }

  private func keyspaces(of segment: SegmentRecord) -> ClosedRange<UInt32> {
    let first = segment.smallestKey.withByteView { $0.uint32(at: 0)?.byteSwapped ?? 0 }
    let last = segment.largestKey.withByteView { $0.uint32(at: 0)?.byteSwapped ?? 0 }
    return first...max(first, last)
  }
}

// MARK: - Value garbage

extension InputChooser {
  func garbage(livePercent: UInt64) -> ValueGarbage {
    ValueGarbage(
      map.segments, state.valueFiles, excluding: state.openValueFiles, livePercent: livePercent)
  }

  /// Segments that point into the emptiest value files, so that what is live in those moves out of
  /// them and they can go. The emptiest file's largest user leads; neighbours that use the same
  /// files come along.
  func valueGarbage(
    _ garbage: ValueGarbage, _ reason: CompactionPlan.Reason
  ) -> CompactionPlan? {
    for file in garbage.files {
      let users = map.segments
        .filter { !isTaken($0) && $0.referencedBytes(in: [file.number]) > 0 }
        .sorted { $0.referencedBytes(in: [file.number]) > $1.referencedBytes(in: [file.number]) }
      for user in users {
        let files = relocated(from: user, first: file.number, garbage)
        if let plan = relocation(of: user, files, reason) { return plan }
      }
    }
    return nil
  }

  /// The garbage files that a segment points into, as many as one compaction should copy from.
  private func relocated(
    from segment: SegmentRecord, first: UInt64, _ garbage: ValueGarbage
  ) -> Set<UInt64> {
    var files: Set<UInt64> = [first]
    for file in garbage.files where segment.referencedBytes(in: [file.number]) > 0 {
      let more = files.union([file.number])
      if segment.referencedBytes(in: more) <= options.largestInputBytes { files = more }
    }
    return files
  }

  private func relocation(
    of user: SegmentRecord, _ files: Set<UInt64>, _ reason: CompactionPlan.Reason
  ) -> CompactionPlan? {
    let level = Int(user.level)
    guard level > 0 else { return levelZero(reason, relocating: files) }
    let segments = map.levels[level]
    guard let index = segments.firstIndex(where: { $0.number == user.number }) else { return nil }
    var range = index..<index + 1
    func isWelcome(_ range: Range<Int>, _ added: SegmentRecord) -> Bool {
      let all = segments[range]
      return !isTaken(added) && added.referencedBytes(in: files) > 0
        && all.bytes <= options.largestInputBytes
        && all.reduce(0) { $0 + $1.referencedBytes(in: files) } <= options.largestInputBytes
    }
    while range.upperBound < segments.count {
      let wider = range.lowerBound..<range.upperBound + 1
      guard isWelcome(wider, segments[range.upperBound]) else { break }
      range = wider
    }
    while range.lowerBound > 0 {
      let wider = range.lowerBound - 1..<range.upperBound
      guard isWelcome(wider, segments[wider.lowerBound]) else { break }
      range = wider
    }
    return plan(
      reason, of: [.init(level: level, segments: Array(segments[range]))], to: level,
      relocating: files)
  }
}
