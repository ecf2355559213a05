import VarveFormat

/// The segments of one version by level, and how large each level should be.
///
/// ```
/// level 0        flushes, overlapping, oldest first
/// level 1..3     empty
/// level 4 base   26 MiB of  28      <- where level 0 goes
/// level 5       240 MiB of 281      a tenth of the level below
/// level 6 last  2.8 GiB             whatever there is
/// ```
///
/// Sizes are derived upward from the last level, so that it holds nine tenths of everything however
/// large or small the store is: that bounds the space taken by what is overwritten.
struct LevelMap: Sendable {
  /// By level: level 0 from the oldest on, the others by key.
  let levels: [[SegmentRecord]]
  /// The level that level 0 is merged into.
  let base: Int
  /// The bytes each level should hold at most; zero where it should be empty.
  let targets: [UInt64]

  init(_ segments: [SegmentRecord], _ options: CompactionOptions) {
    let deepest = segments.map { Int($0.level) }.max() ?? 0
    var levels = [[SegmentRecord]](
      repeating: [], count: max(deepest, options.lastLevel) + 1)
    for segment in segments { levels[Int(segment.level)].append(segment) }
    levels[0].sort { ($0.largestSequence, $0.number) < ($1.largestSequence, $1.number) }
    for level in levels.indices.dropFirst() { levels[level].sortByKey() }
    self.levels = levels
    (base, targets) = Self.shape(levels.map { $0.bytes }, options)
  }

  private static func shape(
    _ bytes: [UInt64], _ options: CompactionOptions
  ) -> (base: Int, targets: [UInt64]) {
    let last = bytes.count - 1
    var targets = [UInt64](repeating: 0, count: bytes.count)
    var base = last
    targets[last] = max(bytes[last], options.baseBytes)
    // Level 0 comes down in pieces of about `baseBytes`. Merged straight into a level r times as
    // large a byte costs 1 + r; by way of a level a tenth of that, (1 + r/10) + (1 + r/(1 + r/10)),
    // which is less from r = 5 on.
    while base > 1, targets[base] > options.baseBytes * options.levelMultiplier / 2 {
      targets[base - 1] = targets[base] / options.levelMultiplier
      base -= 1
    }
    // A store that shrank has data above: new data may not pass it by.
    let highest = bytes.indices.dropFirst().first { bytes[$0] > 0 } ?? base
    return (min(base, highest), targets)
  }

  var last: Int { levels.count - 1 }
  var segments: [SegmentRecord] { levels.flatMap(\.self) }
}

extension LevelMap {
  /// The segments of a level, other than 0, that share keys with `range`.
  func overlapping(_ range: KeySpan, in level: Int) -> ArraySlice<SegmentRecord> {
    let segments = levels[level]
    let first = segments.partitionPoint { $0.largestKey.isBelow(range.smallest) }
    let end = segments.partitionPoint { !range.largest.isBelow($0.smallestKey) }
    return segments[first..<max(first, end)]
  }

  /// Whether a level below `level` holds keys of `range`.
  func hasOverlap(_ range: KeySpan, below level: Int) -> Bool {
    (level + 1..<max(level + 1, levels.count)).contains { !overlapping(range, in: $0).isEmpty }
  }

  /// Level 0 in parts that share no keys with each other, each from its oldest segment on and in the
  /// order of those: a segment goes with all that overlap it, and what those overlap, on and on.
  var connectedLevelZero: [[SegmentRecord]] {
    let zero = levels[0]
    let byKey = zero.indices.sorted { zero[$0].smallestKey.isBelow(zero[$1].smallestKey) }
    var parts: [[Int]] = []
    var largestKey: [UInt8] = []
    for index in byKey {
      if parts.isEmpty || largestKey.isBelow(zero[index].smallestKey) {
        parts.append([])
        largestKey = zero[index].largestKey
      } else if largestKey.isBelow(zero[index].largestKey) {
        largestKey = zero[index].largestKey
      }
      parts[parts.count - 1].append(index)
    }
    // In level 0 the index tells the age.
    return parts.map { $0.sorted() }.sorted { $0[0] < $1[0] }
      .map { part in part.map { zero[$0] } }
  }
}

extension Collection where Element == SegmentRecord {
  /// Bytes of these segments' files.
  var bytes: UInt64 { statedSum(\.size) }
}

extension [SegmentRecord] {
  /// Sorts disjoint segments; a manifest lists them so already.
  fileprivate mutating func sortByKey() {
    let isSorted = indices.dropFirst().allSatisfy {
      self[$0 - 1].smallestKey.isBelow(self[$0].smallestKey)
    }
    if !isSorted { sort { $0.smallestKey.isBelow($1.smallestKey) } }
  }
}

extension Array {
  /// The first index at which `isBefore` no longer holds; it must hold up to there.
  func partitionPoint(_ isBefore: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
