import VarveFormat

/// The engine keys from one to another, both included.
struct KeySpan: Equatable, Sendable {
  private(set) var smallest: [UInt8]
  private(set) var largest: [UInt8]

  init(_ segment: SegmentRecord) {
    smallest = segment.smallestKey
    largest = segment.largestKey
  }

  func overlaps(_ other: KeySpan) -> Bool {
    !largest.isBelow(other.smallest) && !other.largest.isBelow(smallest)
  }

  /// Whether all of the other lies within this.
  func covers(_ other: KeySpan) -> Bool {
    !other.smallest.isBelow(smallest) && !largest.isBelow(other.largest)
  }

  mutating func formUnion(_ other: KeySpan) {
    if other.smallest.isBelow(smallest) { smallest = other.smallest }
    if largest.isBelow(other.largest) { largest = other.largest }
  }

  /// The range that spans all of `segments`; nil for none.
  static func spanning(_ segments: some Sequence<SegmentRecord>) -> KeySpan? {
    segments.reduce(nil) { hull, segment in
      var range = KeySpan(segment)
      if let hull { range.formUnion(hull) }
      return range
    }
  }
}

extension [UInt8] {
  /// Whether these bytes sort before the others.
  func isBelow(_ other: [UInt8]) -> Bool {
    withByteView { left in other.withByteView { left < $0 } }
  }
}
