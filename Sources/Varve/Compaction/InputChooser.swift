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
  let dropped: DroppedKeyspaces
  private let taken: Set<UInt64>

  init(_ state: CompactionState, _ options: CompactionOptions) {
    self.state = state
    self.options = options
    map = LevelMap(state.segments, options)
    dropped = state.rules.droppedKeyspaces
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
  func plan(
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
    for group in levelZeroGroups {
      if let plan = merge(group, reason, relocating: files) { return plan }
    }
    return nil
  }

  /// Complete sets of level 0 in the order in which they are tried.
  private var levelZeroGroups: [[SegmentRecord]] {
    let zero = map.levels[0]
    let groups = map.connectedLevelZero
    let isLittle = { [options] (group: [SegmentRecord]) in group.bytes < options.segmentBytes }
    // Little pieces are gathered: all of level 0 is always a complete set.
    guard !zero.contains(where: isTaken), let little = groups.firstIndex(where: isLittle) else {
      return groups
    }
    return groups[..<little] + [zero] + groups[little...].filter { !isLittle($0) }
  }

  /// A complete set of level 0 into the base level. Where a running compaction has some of it, the
  /// rest waits: newer must not overtake older.
  private func merge(
    _ group: [SegmentRecord], _ reason: CompactionPlan.Reason, relocating files: Set<UInt64>
  ) -> CompactionPlan? {
    guard !group.contains(where: isTaken), let range = KeySpan.spanning(group) else { return nil }
    let below = Array(map.overlapping(range, in: map.base))
    let isMove =
      group.count == 1 && below.isEmpty && files.isEmpty
      && group.bytes >= options.smallestMoveBytes && isMovable(group[0], to: map.base)
    let inputs = [
      CompactionPlan.Input(level: 0, segments: group),
      CompactionPlan.Input(level: map.base, segments: below),
    ]
    return plan(
      reason, isMove ? .move : .rewrite, of: inputs, to: map.base, relocating: files)
  }

  /// Whether level 0 could be merged if something at work were done.
  var isLevelZeroWaiting: Bool {
    !state.running.isEmpty && !map.levels[0].contains(where: isBusy)
      && levelZero(.levelZero) == nil
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
    // With more neighbours it would still have these.
    guard !isTaken(segments[index]), !below.contains(where: isTaken) else { return nil }
    var end = index + 1
    var bytes = segments[index].size.addingStated(below.bytes)
    while end < segments.count, !isTaken(segments[end]) {
      range.formUnion(KeySpan(segments[end]))
      let wider = map.overlapping(range, in: level + 1)
      bytes = bytes.addingStated(segments[end].size)
        .addingStated(wider[below.endIndex...].bytes)
      guard atOnce || wider.count == below.count, bytes <= options.largestInputBytes else { break }
      (below, end) = (wider, end + 1)
    }
    return plan(
      reason,
      of: [
        .init(level: level, segments: Array(segments[index..<end])),
        .init(level: level + 1, segments: Array(below)),
      ], to: level + 1)
  }
}
