import VarveFormat

/// Puts a run's entries into their order: by key, the newest version of a key first.
///
/// ```
///   all keys share a beginning ──> the eight bytes behind it ──> radix sort ──> many that are equal
///         ^                                                                     |        few: by keys
///         └──────────── what these share, which is more ────────────────────────┘
/// ```
///
/// The bytes behind what all share tell most keys apart, so hardly a key is looked at twice. Where
/// they do not, because one key of another keyspace left little to share, those that are equal begin
/// again with what they share. Eleven bits a pass; a pass in which all are equal moves nothing. A run
/// that is in order already, which many are, is found so by one comparison an entry.
enum RunOrder {
  /// Memory taken for each entry while they are sorted.
  static let bytesAnEntry = 2 * MemoryLayout<RunItem>.stride + MemoryLayout<EntryPlace>.stride

  static func sorted(_ places: [EntryPlace]) -> [EntryPlace] {
    precondition(places.count <= UInt32.max)
    if zip(places, places.dropFirst()).allSatisfy({ $0.isBefore($1) }) { return places }
    var sorter = RunSorter(places)
    sorter.sort(places.indices, sharing: 0, depth: 0)
    return sorter.items.map { places[Int($0.index)] }
  }
}

/// An entry while it is sorted.
private struct RunItem {
  var prefix: UInt64
  var index: UInt32
}

private struct RunSorter {
  let places: [EntryPlace]
  private(set) var items: [RunItem]
  private var spare: [RunItem]

  private static let digitBits: UInt64 = 11
  private static let digits = 6
  /// Fewer are sorted sooner by comparing their keys.
  private static let fewest = 256
  /// Keys made to share ever more with ever fewer others gain nothing from going on.
  private static let deepest = 8

  init(_ places: [EntryPlace]) {
    self.places = places
    items = places.indices.map { RunItem(prefix: 0, index: UInt32($0)) }
    spare = items
  }

  /// Sorts a part in which all keys begin with the same `known` bytes.
  mutating func sort(_ range: Range<Int>, sharing known: Int, depth: Int) {
    let isWorthIt = range.count >= Self.fewest && depth < Self.deepest
    let shared = isWorthIt ? sharedBytes(range, from: known) : 0
    // Versions of one key share all of it, and no more than before.
    guard depth == 0 || shared > known else { return sortByKeys(range) }
    for place in range { items[place].prefix = key(place).dropping(shared).sortPrefix }
    radixSort(range)
    sortEqualOnes(range, sharing: shared, depth)
  }

  private func key(_ place: Int) -> ByteView { places[Int(items[place].index)].key }

  /// How many bytes all keys of a part begin with.
  private func sharedBytes(_ range: Range<Int>, from known: Int) -> Int {
    let first = key(range.lowerBound).dropping(known)
    var shared = first
    for place in range {
      let other = key(place).dropping(known)
      if !other.starts(with: shared) {
        shared = first.prefix(shared.sharedPrefixCount(with: other))
      }
    }
    return known + shared.count
  }

  private mutating func sortByKeys(_ range: Range<Int>) {
    items[range].sort { [places] in places[Int($0.index)].isBefore(places[Int($1.index)]) }
  }

  private mutating func sortEqualOnes(_ range: Range<Int>, sharing shared: Int, _ depth: Int) {
    var start = range.lowerBound
    while start < range.upperBound {
      var end = start + 1
      while end < range.upperBound, items[end].prefix == items[start].prefix { end += 1 }
      if end > start + 1 { sort(start..<end, sharing: shared, depth: depth + 1) }
      start = end
    }
  }
}

// MARK: - By digits

extension RunSorter {
  private mutating func radixSort(_ range: Range<Int>) {
    for digit in 0..<Self.digits {
      let shift = UInt64(digit) * Self.digitBits
      var starts = [Int](repeating: 0, count: 1 << Int(Self.digitBits))
      for place in range { starts[Self.bucket(items[place], shift)] += 1 }
      guard !starts.contains(range.count) else { continue }
      var start = range.lowerBound
      for bucket in starts.indices {
        let count = starts[bucket]
        starts[bucket] = start
        start += count
      }
      for place in range {
        let bucket = Self.bucket(items[place], shift)
        spare[starts[bucket]] = items[place]
        starts[bucket] += 1
      }
      // A part goes back to its place; all of them at once need not.
      if range == items.indices { swap(&items, &spare) } else { items[range] = spare[range] }
    }
  }

  private static func bucket(_ item: RunItem, _ shift: UInt64) -> Int {
    Int(truncatingIfNeeded: item.prefix >> shift & (1 << digitBits - 1))
  }
}
