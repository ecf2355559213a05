import VarveFormat
import VarvePlatform

/// Segments in the order of a search, laid out for it: records of one size side by side, which
/// name their readers without counting.
///
/// ```
/// places   [ level 0, newest first | level 1, ascending | level 2, ascending | ... ]
/// ends                             ^ 0                  ^ 1                  ^ 2
/// ```
///
/// A read that counted a reference to each object it passes would spend most of its time on that,
/// and more with every thread. Whoever owns this table owns the handles it was made of, and so keeps
/// the readers.
@safe
final class SegmentTable: @unchecked Sendable {
  // @unchecked: nothing is written after the initialiser.
  private let places: UnsafeMutableBufferPointer<Place>
  private let ends: UnsafeMutableBufferPointer<Int>
  /// The levels from 1 on that have segments.
  private let levels: [Range<Int>]
  /// Copies of the keys that `places` shows.
  private let keys: AlignedBuffer

  @safe
  fileprivate struct Place {
    let smallest: PrefixedKey
    let largest: PrefixedKey
    let reader: Unmanaged<SegmentReader>
  }

  /// - Parameter levels: level 0 first, each in the order of search.
  init(_ levels: [[SegmentHandle]]) {
    unsafe places = .allocate(capacity: levels.reduce(0) { $0 + $1.count })
    unsafe ends = .allocate(capacity: levels.count)
    let handles = Array(levels.joined())
    let keys = AlignedBuffer(
      capacity: max(
        1, handles.reduce(0) { $0 + $1.record.smallestKey.count + $1.record.largestKey.count }))
    self.keys = keys
    var filled = 0
    func keep(_ key: [UInt8]) -> PrefixedKey {
      key.withByteView { keys.copy($0, to: filled) }
      defer { filled += key.count }
      return PrefixedKey(keys.view().dropping(filled).prefix(key.count))
    }
    for (index, handle) in handles.enumerated() {
      unsafe places.initializeElement(
        at: index,
        to: Place(
          smallest: keep(handle.record.smallestKey), largest: keep(handle.record.largestKey),
          reader: Unmanaged.passUnretained(handle.reader)))
    }
    var end = 0
    var filledLevels: [Range<Int>] = []
    for (level, handles) in levels.enumerated() {
      let start = end
      end += handles.count
      unsafe ends.initializeElement(at: level, to: end)
      if level > 0, !handles.isEmpty { filledLevels.append(start..<end) }
    }
    self.levels = filledLevels
  }

  deinit {
    unsafe places.deallocate()
    unsafe ends.deallocate()
  }
}

// MARK: - Finding

extension SegmentTable {
  /// The newest version of `key` at or below `limit` in any segment.
  func find(_ key: ByteView, at limit: SequenceNumber) throws(StoreError) -> FoundEntry? {
    guard unsafe !places.isEmpty else { return nil }
    let hash = XXH64.hash(of: key)
    let target = PrefixedKey(key)
    // Level 0 may overlap: each of its segments is asked.
    for index in unsafe 0..<ends[0] {
      if let found = try unsafe places[index].find(target, hash, limit) { return found }
    }
    for level in levels {
      let index = firstIndex(reaching: target, level)
      guard index < level.upperBound else { continue }
      if let found = try unsafe places[index].find(target, hash, limit) { return found }
    }
    return nil
  }

  /// The first of the disjoint `range` whose largest key is at or after `key`; its end when none is.
  func firstIndex(reaching key: PrefixedKey, _ range: Range<Int>) -> Int {
    partition(range) { $0.largest.compare(key) < 0 }
  }

  /// The first of the disjoint `range` whose smallest key is at or after `key`; its end when none is.
  func firstIndex(notBelow key: PrefixedKey, _ range: Range<Int>) -> Int {
    partition(range) { $0.smallest.compare(key) < 0 }
  }

  /// Which segments of a level of disjoint ones may hold keys from `lower` up to, not including,
  /// `upper`, counted from the level's first.
  func places(inLevel level: Int, from lower: PrefixedKey, to upper: PrefixedKey) -> Range<Int> {
    let start = unsafe level == 0 ? 0 : ends[level - 1]
    return unsafe places(among: start..<ends[level], from: lower, to: upper)
  }

  /// Which of the disjoint `range` may hold keys from `lower` up to, not including, `upper`, counted
  /// from its first.
  func places(
    among range: Range<Int>, from lower: PrefixedKey, to upper: PrefixedKey
  ) -> Range<Int> {
    guard !range.isEmpty else { return 0..<0 }
    let first = firstIndex(reaching: lower, range)
    let end = firstIndex(notBelow: upper, first..<range.upperBound)
    return first - range.lowerBound..<end - range.lowerBound
  }

  /// The first place of `range` for which `isBefore` does not hold; it holds for those before alone.
  @inline(__always)
  private func partition(_ range: Range<Int>, _ isBefore: (Place) -> Bool) -> Int {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high {
      let middle = (low &+ high) / 2
      if unsafe isBefore(places[middle]) {
        low = middle &+ 1
      } else {
        high = middle
      }
    }
    return low
  }
}

extension SegmentTable.Place {
  /// What the segment knows of a key, if that lies between its first and its last.
  @inline(__always)
  fileprivate func find(
    _ key: PrefixedKey, _ hash: UInt64, _ limit: SequenceNumber
  ) throws(StoreError) -> FoundEntry? {
    guard smallest.compare(key) <= 0, largest.compare(key) >= 0 else { return nil }
    return try unsafe reader.lend { reader throws(StoreError) in
      try reader.find(key.bytes, hash: hash, at: limit)
    }
  }
}
