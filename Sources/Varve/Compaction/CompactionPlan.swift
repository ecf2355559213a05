import VarveFormat

/// One compaction, decided: which segments go in, where the result goes, and why.
///
/// ```
/// level 1      [c..f]            input
/// level 2    [a..d] [e..h]       inputs, all that overlap       -> output, level 2
/// level 3   [a..b]  [f..k]       `deeper`: where older versions of a key may lie
/// ```
struct CompactionPlan: Equatable, Sendable {
  enum Reason: String, Sendable, CaseIterable {
    /// Level 0 has enough segments to be merged down.
    case levelZero
    /// A level holds more than it should.
    case size
    /// A segment is mostly deletes and overwritten versions.
    case tombstones
    /// Much of a segment has expired.
    case expiry
    /// Value files hold too much that nobody points to.
    case valueGarbage
    /// Values lie in the order of their writing, and are to go into a bucket.
    case valueOrder
    /// Segments hold nothing but dropped keyspaces.
    case droppedKeyspace
    /// The user asked.
    case manual
  }

  /// What is to be done with the inputs.
  enum Action: Sendable {
    /// Merge them and write what survives.
    case rewrite
    /// Give the only input another level: a change of the manifest and nothing else.
    case move
    /// Take them out of the version without reading them.
    case remove
  }

  struct Input: Equatable, Sendable {
    let level: Int
    /// Level 0 from the oldest on, other levels by key and without gaps.
    let segments: [SegmentRecord]
  }

  let reason: Reason
  let action: Action
  /// Upper levels first; no level is empty.
  let inputs: [Input]
  let outputLevel: Int
  /// All keys of the inputs.
  let range: KeySpan
  /// Value files whose values are written again when an input points to them.
  let relocatedValueFiles: Set<UInt64>
  /// The level below the output where it overlaps `range`: what the result will be merged with next.
  let grandparents: [SegmentRecord]
  /// Where versions older than the inputs may lie.
  let deeper: DeeperKeys

  var segments: [SegmentRecord] { inputs.flatMap(\.segments) }
  var isMove: Bool { action == .move }
  /// Bytes of the inputs, values in value files not counted.
  var inputBytes: UInt64 { inputs.statedSum { $0.segments.bytes } }
  /// Where round robin goes on in the upper level, once this plan is carried out.
  var nextStart: (level: Int, key: [UInt8])? {
    guard reason == .size, let upper = inputs.first else { return nil }
    return upper.segments.last.map { (upper.level, $0.largestKey) }
  }
}

extension CompactionPlan {
  /// `inputs` must not be empty; levels without segments are left out.
  init?(
    _ reason: Reason, _ action: Action, _ inputs: [Input], to outputLevel: Int, in map: LevelMap,
    relocating relocatedValueFiles: Set<UInt64> = []
  ) {
    self.inputs = inputs.filter { !$0.segments.isEmpty }
    guard let range = KeySpan.spanning(self.inputs.flatMap(\.segments)) else { return nil }
    self.reason = reason
    self.action = action
    self.outputLevel = outputLevel
    self.range = range
    self.relocatedValueFiles = relocatedValueFiles
    grandparents =
      outputLevel < map.last ? Array(map.overlapping(range, in: outputLevel + 1)) : []
    deeper = DeeperKeys(range, below: outputLevel, in: map)
  }
}

/// The key ranges of the segments below a compaction's output: whether an older version of a key may
/// lie there. Data only sinks, so a "no" stays true while the compaction runs.
struct DeeperKeys: Equatable, Sendable {
  /// Per level, disjoint and ascending.
  private let levels: [[SegmentRecord]]

  init(_ range: KeySpan, below level: Int, in map: LevelMap) {
    let below = level + 1..<max(level + 1, map.levels.count)
    levels = below.map { Array(map.overlapping(range, in: $0)) }.filter { !$0.isEmpty }
  }

  /// Whether nothing lies deeper.
  var isEmpty: Bool { levels.isEmpty }

  /// Whether a level below may hold a version of `key`. Costs a binary search a level.
  func mayHold(_ key: ByteView) -> Bool {
    levels.contains { segments in
      let index = segments.partitionPoint { $0.largestKey.withByteView { $0 < key } }
      guard index < segments.count else { return false }
      return segments[index].smallestKey.withByteView { !(key < $0) }
    }
  }
}
