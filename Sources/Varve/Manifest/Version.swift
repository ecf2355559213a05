import VarveFormat

/// The segments of one version of the store, as readers use them. Immutable.
final class Version: Sendable {
  /// Level 0, newest first: its segments overlap, and the first hit is the newest.
  let levelZero: [SegmentHandle]
  /// Levels 1 and up, each disjoint and ascending; empty levels are empty arrays.
  let levels: [Level]
  /// The value files that may be pointed into, kept from deletion while this version lives.
  let valueFiles: [UInt64: ValueFileHandle]
  let manifest: Manifest
  /// The same segments, for point reads.
  let table: SegmentTable
  /// Whether any segment has entries that expire.
  let holdsExpiring: Bool

  /// - Parameters:
  ///   - segments: one handle for each segment of the manifest.
  ///   - valueFiles: all that the manifest names, and perhaps others.
  init(
    manifest: Manifest, segments: [SegmentHandle], valueFiles: [UInt64: ValueFileHandle]
  ) {
    self.manifest = manifest
    let named = Set(manifest.valueFiles.map(\.number))
    self.valueFiles = valueFiles.filter { named.contains($0.key) }
    holdsExpiring = segments.contains { $0.record.expiringCount > 0 }
    var zero: [SegmentHandle] = []
    var deeper: [[SegmentHandle]] = []
    for handle in segments {
      let level = Int(handle.record.level)
      if level == 0 {
        zero.append(handle)
      } else {
        while deeper.count < level { deeper.append([]) }
        deeper[level - 1].append(handle)
      }
    }
    zero.sort {
      ($0.record.largestSequence, $0.record.number) > ($1.record.largestSequence, $1.record.number)
    }
    levelZero = zero
    let table = SegmentTable([zero] + deeper)
    self.table = table
    var start = zero.count
    levels = deeper.map { segments in
      defer { start += segments.count }
      return Level(segments, of: table, from: start)
    }
  }

  /// All of them, in the order of a search.
  var segments: [SegmentHandle] { levelZero + levels.flatMap(\.segments) }
}

/// One level of disjoint segments in key order. An object, so that a cursor keeps it by one reference.
final class Level: Sendable {
  let segments: [SegmentHandle]
  /// Where the segments' ends are compared, and where this level begins there.
  private let table: SegmentTable
  private let start: Int

  /// The segments that stand in `table` from `start` on.
  init(_ segments: [SegmentHandle], of table: SegmentTable, from start: Int) {
    self.segments = segments
    self.table = table
    self.start = start
  }

  convenience init(_ segments: [SegmentHandle]) {
    self.init(segments, of: SegmentTable([segments]), from: 0)
  }

  /// The index of the first of the segments at `places` whose largest key is at or after `key`; their
  /// upper bound when none is.
  func firstIndex(reaching key: ByteView, within places: Range<Int>) -> Int {
    let among = start + places.lowerBound..<start + places.upperBound
    return table.firstIndex(reaching: PrefixedKey(key), among) - start
  }

  /// Where the segments lie that may hold keys from `lower` up to, not including, `upper`.
  func places(from lower: ByteView, to upper: ByteView) -> Range<Int> {
    let (lower, upper) = (PrefixedKey(lower), PrefixedKey(upper))
    return table.places(among: start..<start + segments.count, from: lower, to: upper)
  }
}
