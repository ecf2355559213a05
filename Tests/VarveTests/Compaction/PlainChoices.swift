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
