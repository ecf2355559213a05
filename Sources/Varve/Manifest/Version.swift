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

  init(
    manifest: Manifest, segments: [UInt64: SegmentHandle],
    valueFiles: [UInt64: ValueFileHandle]
  ) {
    self.manifest = manifest
    self.valueFiles = valueFiles
    var zero: [SegmentHandle] = []
    var deeper: [[SegmentHandle]] = []
    for record in manifest.segments {
      guard let handle = segments[record.number] else { continue }
      if record.level == 0 {
        zero.append(handle)
      } else {
        while deeper.count < Int(record.level) { deeper.append([]) }
        deeper[Int(record.level) - 1].append(handle)
      }
    }
    levelZero = zero.sorted {
      ($0.record.largestSequence, $0.record.number) > ($1.record.largestSequence, $1.record.number)
    }
    levels = deeper.map(Level.init)
  }
}

/// One level of disjoint segments in key order.
struct Level: Sendable {
  let segments: [SegmentHandle]

  init(_ segments: [SegmentHandle]) { self.segments = segments }

  /// The index of the first segment whose largest key is at or after `key`; the count when none is.
  func firstIndex(reaching key: ByteView) -> Int {
    firstIndex(reaching: key, within: 0..<segments.count)
  }

  /// The same among the segments at `places`; their upper bound when none is.
  func firstIndex(reaching key: ByteView, within places: Range<Int>) -> Int {
    Self.partition(places) { segments[$0].largestKey(isBelow: key) }
  }

  /// Where the segments lie that may hold keys from `lower` up to, not including, `upper`.
  func places(from lower: ByteView, to upper: ByteView) -> Range<Int> {
    let first = firstIndex(reaching: lower)
    let end = Self.partition(first..<segments.count) { segments[$0].smallestKey(isBelow: upper) }
    return first..<end
  }

  /// The first of `places` for which `isBefore` does not hold; it holds for those before alone.
  private static func partition(_ places: Range<Int>, _ isBefore: (Int) -> Bool) -> Int {
    var low = places.lowerBound
    var high = places.upperBound
    while low < high {
      let middle = (low &+ high) / 2
      if isBefore(middle) {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
    return low
  }
}
