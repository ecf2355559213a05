import VarveFormat

@testable import Varve

/// What ``InputChooser`` chooses, found step by step as its description says, however long it takes.
struct PlainChoices {
  let inputs: InputChooser

  init(_ state: CompactionState, _ options: CompactionOptions) {
    inputs = InputChooser(state, options)
  }

  var map: LevelMap { inputs.map }
  var options: CompactionOptions { inputs.options }

  func isMovable(_ segment: SegmentRecord, to level: Int) -> Bool {
    guard level < map.last else { return true }
    return map.overlapping(KeySpan(segment), in: level + 1).bytes <= options.largestOverlapBytes
  }
}

// MARK: - Level 0

extension PlainChoices {
  func levelZero(
    _ reason: CompactionPlan.Reason, relocating files: Set<UInt64> = []
  ) -> CompactionPlan? {
    let zero = map.levels[0]
    for seed in zero where !inputs.isTaken(seed) {
      var group = closure(of: seed)
      if group.bytes < options.segmentBytes, !zero.contains(where: inputs.isTaken) { group = zero }
      guard let range = KeySpan.spanning(group) else { continue }
      let below = Array(map.overlapping(range, in: map.base))
      let isMove =
        group.count == 1 && below.isEmpty && files.isEmpty
        && group.bytes >= options.smallestMoveBytes && isMovable(group[0], to: map.base)
      let plan = inputs.plan(
        reason, isMove ? .move : .rewrite,
        of: [.init(level: 0, segments: group), .init(level: map.base, segments: below)],
        to: map.base, relocating: files)
      if let plan { return plan }
    }
    return nil
  }

  private func closure(of seed: SegmentRecord) -> [SegmentRecord] {
    var range = KeySpan(seed)
    while true {
      let group = map.levels[0].filter { KeySpan($0).overlaps(range) }
      guard let hull = KeySpan.spanning(group), hull != range else { return group }
      range = hull
    }
  }
}

// MARK: - A level into the next

extension PlainChoices {
  func sink(
    _ index: Int, of level: Int, _ reason: CompactionPlan.Reason, atOnce: Bool
  ) -> CompactionPlan? {
    let segments = map.levels[level]
    guard var range = KeySpan.spanning(segments[index...index]) else { return nil }
    var below = map.overlapping(range, in: level + 1)
    if below.isEmpty, isMovable(segments[index], to: level + 1) {
      return inputs.plan(
        reason, .move, of: [.init(level: level, segments: [segments[index]])], to: level + 1)
    }
    var end = index + 1
    while end < segments.count, !inputs.isTaken(segments[end]) {
      var wider = range
      wider.formUnion(KeySpan(segments[end]))
      let widerBelow = map.overlapping(wider, in: level + 1)
      guard atOnce || widerBelow.count == below.count,
        segments[index...end].bytes.addingStated(widerBelow.bytes) <= options.largestInputBytes
      else { break }
      (range, below, end) = (wider, widerBelow, end + 1)
    }
    return inputs.plan(
      reason,
      of: [
        .init(level: level, segments: Array(segments[index..<end])),
        .init(level: level + 1, segments: Array(below)),
      ], to: level + 1)
  }
}

// MARK: - Values

extension PlainChoices {
  func valueGarbage(
    in garbage: [ValueGarbage.File], _ reason: CompactionPlan.Reason
  ) -> CompactionPlan? {
    for file in garbage {
      let users = map.segments
        .filter { !inputs.isTaken($0) && $0.referencedBytes(in: [file.number]) > 0 }
        .sorted { $0.referencedBytes(in: [file.number]) > $1.referencedBytes(in: [file.number]) }
      for user in users {
        var files: Set<UInt64> = [file.number]
        for file in garbage where user.referencedBytes(in: [file.number]) > 0 {
          let more = files.union([file.number])
          if user.referencedBytes(in: more) <= options.largestInputBytes { files = more }
        }
        if let plan = relocation(of: user, files, reason) { return plan }
      }
    }
    return nil
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
      !inputs.isTaken(added) && added.referencedBytes(in: files) > 0
        && segments[range].bytes <= options.largestInputBytes
        && segments[range].statedSum { $0.referencedBytes(in: files) } <= options.largestInputBytes
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
    return inputs.plan(
      reason, of: [.init(level: level, segments: Array(segments[range]))], to: level,
      relocating: files)
  }

  /// Segments of the last level with values in more places than neighbours need.
  func scatteredValues(before firstOwnNumber: UInt64) -> CompactionPlan? {
    let state = inputs.state
    let unordered = state.freshValueFiles
      .subtracting(state.valueFiles.filter(\.isOrdered).map(\.number))
    return layOut(map.last, .manual) { segment in
      let references = segment.valueReferences.filter { state.freshValueFiles.contains($0.file) }
      let files = references.map(\.file)
      let most = 2 + Int(clamping: references.statedSum(\.bytes) / options.valueFileBytes)
      guard files.count > most || !unordered.isDisjoint(with: files) else { return [] }
      return files.filter { $0 < firstOwnNumber && !state.openValueFiles.contains($0) }
    }
  }

  private func layOut(
    _ level: Int, _ reason: CompactionPlan.Reason, _ files: (SegmentRecord) -> [UInt64]
  ) -> CompactionPlan? {
    var run: [SegmentRecord] = []
    var moved: Set<UInt64> = []
    for segment in map.levels[level] {
      let more = moved.union(files(segment))
      let wider = run + [segment]
      let bytes = wider.bytes.addingStated(wider.statedSum { $0.referencedBytes(in: more) })
      let fits = run.isEmpty || bytes <= options.largestInputBytes
      if fits, !inputs.isTaken(segment), !files(segment).isEmpty {
        (run, moved) = (wider, more)
      } else if !run.isEmpty {
        break
      }
    }
    return inputs.plan(
      reason, of: [.init(level: level, segments: run)], to: level, relocating: moved)
  }
}

// MARK: - Everything

extension PlainChoices {
  /// The next step of a full compaction where all there is lies in the last level.
  func nextInLastLevel(before firstOwnNumber: UInt64) -> CompactionPlan? {
    clean(before: firstOwnNumber) ?? scatteredValues(before: firstOwnNumber)
      ?? valueGarbage(
        in: inputs.garbage.files(below: options.liveValuePercentInFull)
          .filter { $0.number < firstOwnNumber }, .manual)
  }

  private func clean(before firstOwnNumber: UInt64) -> CompactionPlan? {
    var run: [SegmentRecord] = []
    for segment in map.levels[map.last] {
      let fits = run.isEmpty || run.bytes.addingStated(segment.size) <= options.largestInputBytes
      if fits, needsCleaning(segment, before: firstOwnNumber) {
        run.append(segment)
      } else if !run.isEmpty {
        break
      }
    }
    return CompactionPlan(
      .manual, .rewrite, [.init(level: map.last, segments: run)], to: map.last, in: map)
  }

  private func needsCleaning(_ segment: SegmentRecord, before firstOwnNumber: UInt64) -> Bool {
    segment.number < firstOwnNumber && !inputs.isTaken(segment)
      && (segment.deleteCount > 0 || segment.keyCount < segment.entryCount)
  }
}
