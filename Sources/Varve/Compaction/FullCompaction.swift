import VarveFormat

/// What the user gets who asks for everything to be compacted: all data in the last level, no
/// delete, overwritten or expired entry that nobody reads, at most a twentieth of garbage in a value
/// file.
///
/// It goes step by step; each plan is chosen from the version that the one before left, and a step
/// rewrites as little as it can:
///
/// ```
/// 1  everything above the last level, with what it overlaps there, at once if that is little;
///    else level 0 into the base, then level by level in slices from the smallest key on
/// 2  segments of the last level that still hold something dead, in place
/// 3  segments whose values lie here and there, where they are to go into a bucket, in place
/// 4  segments that point into value files with garbage, in place
/// ```
///
/// Automatic compaction rests meanwhile. Value files that are still written to, and what is in
/// memtables, are not its business: flush and seal first. Nor is what others write meanwhile: they may go on for ever.
struct FullCompaction: Sendable {
  let options: CompactionOptions
  /// Files from this number on were made by this very run, or flushed beside it: they are not cleaned again, even where
  /// a snapshot kept something in them.
  let firstOwnNumber: UInt64

  /// The next step; nil when all is done.
  func next(_ state: CompactionState) -> CompactionPlan? {
    let inputs = InputChooser(state, options)
    return inputs.droppedKeyspaces() ?? sinkAtOnce(inputs) ?? sinkByLevel(inputs) ?? clean(inputs)
      ?? inputs.scatteredValues(before: firstOwnNumber)
      ?? inputs.valueGarbage(
        in: inputs.garbage.files(below: options.liveValuePercentInFull)
          .filter { $0.number < firstOwnNumber }, .manual)
  }

  /// The highest level that is to be sunk: level 0 as long as anything there was written before.
  private func highest(in map: LevelMap) -> Int {
    map.levels[0].contains { $0.number < firstOwnNumber } ? 0 : 1
  }

  /// Bytes of free space that all steps together need at most.
  ///
  /// The inputs of a step go once its output is in place, so the largest step counts; a value file
  /// goes only when the last pointer into it has moved, so there every copy counts. Readers that hold
  /// an old version hold its files too: what they hold comes on top.
  func neededBytes(_ state: CompactionState) -> UInt64 {
    let inputs = InputChooser(state, options)
    return min(inputs.map.segments.bytes, largestStepBytes(inputs))
      .addingStated(copiedValueBytes(inputs))
  }

  private func largestStepBytes(_ inputs: InputChooser) -> UInt64 {
    let map = inputs.map
    var largest = options.largestInputBytes + options.segmentBytes
    if let plan = sinkAtOnce(inputs) ?? inputs.levelZero(.manual) {
      largest = max(largest, plan.inputBytes)
    }
    for level in 1..<map.last {
      for segment in map.levels[level] {
        let below = map.overlapping(KeySpan(segment), in: level + 1)
        largest = max(largest, segment.size.addingStated(below.bytes))
      }
    }
    return largest
  }

  /// What is live in value files that have too much garbage, or may turn out to when the segments
  /// that point into them are merged.
  private func copiedValueBytes(_ inputs: InputChooser) -> UInt64 {
    let map = inputs.map
    let upper = map.levels[..<map.last].flatMap(\.self)
    let hull = KeySpan.spanning(upper)
    let below = hull.map { Array(map.overlapping($0, in: map.last)) } ?? []
    let merged = upper + below + map.levels[map.last].filter { needsCleaning($0, inputs) }
    let doubtful = Set(merged.flatMap(\.valueReferences).map(\.file))
    let garbage = inputs.garbage
    let poor = Set(garbage.files(below: options.liveValuePercentInFull).map(\.number))
      .union(inputs.state.freshValueFiles)
    return garbage.files
      .filter { doubtful.contains($0.number) || poor.contains($0.number) }
      .statedSum(\.liveBytes)
  }
}

extension FullCompaction {
  /// Everything above the last level into it, if that is within one compaction's measure.
  private func sinkAtOnce(_ inputs: InputChooser) -> CompactionPlan? {
    let map = inputs.map
    let highest = highest(in: map)
    let upper = map.levels[highest..<map.last]
    let segments = upper.flatMap(\.self)
    guard segments.count > 1 || highest == 0, let range = KeySpan.spanning(segments),
      !segments.contains(where: inputs.isTaken)
    else { return nil }
    let below = Array(map.overlapping(range, in: map.last))
    guard segments.bytes.addingStated(below.bytes) <= options.largestInputBytes,
      !below.contains(where: inputs.isTaken)
    else { return nil }
    let levels = upper.indices.map { CompactionPlan.Input(level: $0, segments: map.levels[$0]) }
    return CompactionPlan(
      .manual, .rewrite, levels + [.init(level: map.last, segments: below)], to: map.last, in: map)
  }

  /// Level 0 into the base, then the highest level into the next, from its smallest key on.
  private func sinkByLevel(_ inputs: InputChooser) -> CompactionPlan? {
    if highest(in: inputs.map) == 0, let plan = inputs.levelZero(.manual) { return plan }
    for level in 1..<inputs.map.last {
      for index in inputs.map.levels[level].indices {
        if let plan = inputs.sink(index, of: level, .manual, atOnce: true) { return plan }
      }
    }
    return nil
  }

  /// A run of neighbours in the last level that hold something nobody can read.
  private func clean(_ inputs: InputChooser) -> CompactionPlan? {
    let segments = inputs.map.levels[inputs.map.last]
    var run: [SegmentRecord] = []
    var bytes: UInt64 = 0
    for segment in segments {
      let wider = bytes.addingStated(segment.size)
      if run.isEmpty || wider <= options.largestInputBytes, needsCleaning(segment, inputs) {
        run.append(segment)
        bytes = wider
      } else if !run.isEmpty {
        break
      }
    }
    let last = inputs.map.last
    return CompactionPlan(
      .manual, .rewrite, [.init(level: last, segments: run)], to: last, in: inputs.map)
  }

  private func needsCleaning(_ segment: SegmentRecord, _ inputs: InputChooser) -> Bool {
    guard segment.number < firstOwnNumber, !inputs.isTaken(segment) else { return false }
    let isDead =
      inputs.canBeCleaned(segment)
      && (segment.deleteCount > 0 || segment.keyCount < segment.entryCount)
    return isDead || inputs.hasExpired(segment) || inputs.mayHoldDropped(segment)
  }
}
