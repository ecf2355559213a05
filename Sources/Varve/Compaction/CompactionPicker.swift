import VarveFormat

/// What a choice of compactions depends on: one version of the store, and what is going on in it.
struct CompactionState: Sendable {
  var segments: [SegmentRecord]
  var valueFiles: [ValueFileRecord]
  /// Value files that are left alone: memtables or logs may point into them, or they are still written,
  /// so that their live bytes are not known; or they are damaged.
  var openValueFiles: Set<UInt64> = []
  /// Value files that may still be laid out: sealed, on this machine and in no bucket yet. None where the
  /// store has no bucket.
  var freshValueFiles: Set<UInt64> = []
  /// Who reads, and which keyspaces were dropped. Its current time is the "now" of the choice.
  var rules: DropRules
  /// Compactions at work.
  var running: [CompactionPlan] = []
  /// Segments that may not be read: damaged, or on their way to elsewhere.
  var unusable: Set<UInt64> = []
  /// Where round robin goes on, by level: after this key.
  var starts: [Int: [UInt8]] = [:]
}

/// Chooses the segments to merge next. Pure: the same state gives the same plan.
///
/// Whatever asks for a compaction gets a score, 1 where it begins to matter; the highest that can be
/// carried out beside those at work is taken.
///
/// | reason | score |
/// | --- | --- |
/// | level 0 | segments over their trigger, bytes over what the base holds, or values it hides |
/// | size of a level | bytes over its target |
/// | value garbage | its share in all value files over what they may have |
/// | tombstones, expiry | between 1 and 2 by their share in the segment |
/// | dropped keyspaces | above all: they cost nothing |
///
/// Level 0 comes first where it ties, and always once it is urgent. Until it has been merged nothing
/// else may begin in the base level, lest one compaction after the other keeps it waiting.
struct CompactionPicker: Sendable {
  let options: CompactionOptions

  /// The compaction to begin next; nil when there is nothing to do, or nothing that may begin now.
  func plan(for state: CompactionState) -> CompactionPlan? {
    let inputs = InputChooser(state, options)
    for candidate in candidates(inputs).sorted(by: { $0.score > $1.score }) {
      if let plan = candidate.plan() { return plan }
    }
    return nil
  }

  private struct Candidate {
    let score: Double
    let plan: () -> CompactionPlan?
  }

  private func candidates(_ inputs: InputChooser) -> [Candidate] {
    var candidates = [
      Candidate(score: .infinity) { inputs.droppedKeyspaces() }
    ]
    let garbage = inputs.garbage
    let levelZero = levelZeroScore(inputs, garbage)
    if levelZero >= 1 {
      candidates.append(Candidate(score: levelZero) { inputs.levelZero(.levelZero) })
    }
    candidates += levelCandidates(inputs, isLevelZeroDue: levelZero >= 1)
    candidates += deadEntryCandidates(inputs)
    let garbageScore = garbage.share * 100 / Double(options.garbagePercent)
    if garbageScore >= 1 {
      candidates.append(
        Candidate(score: garbageScore) { [options] in
          inputs.valueGarbage(
            in: garbage.files(leaving: options.garbagePercentLeft), .valueGarbage)
        })
    }
    return candidates
  }

  private func levelZeroScore(_ inputs: InputChooser, _ garbage: ValueGarbage) -> Double {
    let free = inputs.map.levels[0].filter { !inputs.isBusy($0) }
    guard !free.isEmpty else { return 0 }
    // The smallest step above a tie with another level.
    let count = Double(free.count) / Double(options.levelZeroTrigger) * 1.001
    let bytes = Double(free.bytes) / Double(options.baseBytes)
    return free.count >= options.levelZeroUrgent
      ? 1_000_000 : max(count, bytes, hiddenScore(inputs, free, garbage))
  }

  /// What the values behind level 0's pointers replaced counts as live until it is merged. That is
  /// done for their sake where they are many, and much more than the merge writes.
  private func hiddenScore(
    _ inputs: InputChooser, _ levelZero: [SegmentRecord], _ garbage: ValueGarbage
  ) -> Double {
    // The newest cannot have replaced its own.
    let older = garbage.liveBytes - min(garbage.liveBytes, levelZero.last?.referencedBytes ?? 0)
    let hidden = min(levelZero.statedSum(\.referencedBytes), older)
    let merged = levelZero.bytes.addingStated(inputs.map.levels[inputs.map.base].bytes)
    let allowed = garbage.totalBytes / 100 * options.hiddenValuePercent
    return Double(hidden)
      / Double(max(allowed, merged.multipliedStated(by: 2), options.segmentBytes))
  }

  private func levelCandidates(_ inputs: InputChooser, isLevelZeroDue: Bool) -> [Candidate] {
    let map = inputs.map
    return (1..<map.last).compactMap { level in
      let bytes = map.levels[level].filter { !inputs.isBusy($0) }.bytes
      guard bytes > 0 else { return nil }
      let target = map.targets[level]
      // A level that should not exist any more is emptied as if it were half too large.
      let score = target == 0 ? 1.5 : Double(bytes) / Double(target)
      guard score >= 1 else { return nil }
      return Candidate(score: score) {
        if level == map.base, isLevelZeroDue, inputs.isLevelZeroWaiting { return nil }
        return inputs.level(level, .size)
      }
    }
  }

  private func deadEntryCandidates(_ inputs: InputChooser) -> [Candidate] {
    var tombstones: (share: Double, segment: SegmentRecord)?
    var expired: (share: Double, segment: SegmentRecord)?
    let least = Double(options.deadPercent) / 100
    for segment in inputs.map.segments where !inputs.isTaken(segment) {
      let dead = inputs.deadShare(of: segment, least: least)
      if dead > tombstones?.share ?? 0 { tombstones = (dead, segment) }
      let old = inputs.expiredShare(of: segment)
      if old >= least, old > expired?.share ?? 0 { expired = (old, segment) }
    }
    var candidates: [Candidate] = []
    if let (share, segment) = tombstones {
      candidates.append(Candidate(score: 1 + share) { inputs.tombstones(in: segment) })
    }
    if let (share, segment) = expired {
      candidates.append(Candidate(score: 1 + share) { inputs.rewrite(segment, .expiry) })
    }
    return candidates
  }
}
