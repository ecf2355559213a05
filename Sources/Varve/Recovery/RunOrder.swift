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
/// again with what they share. A run that is in order already, which many are, is found so by one
/// comparison an entry.
///
/// The entries stay where they are, and the order is one of indices: what is sorted is small.
struct RunOrder {
  private let places: [EntryPlace]
  /// Empty where the places are in order as they are.
  private let items: [RunItem]

  /// Memory taken for each entry beside its place.
  static let bytesAnEntry = 2 * MemoryLayout<RunItem>.stride

  init(_ places: [EntryPlace]) {
    precondition(places.count <= UInt32.max)
    self.places = places
    if zip(places, places.dropFirst()).allSatisfy({ $0.isBefore($1) }) {
      items = []
    } else {
      var sorter = RunSorter(places)
      sorter.sort(0..<places.count, sharing: 0, depth: 0)
      items = sorter.items
    }
  }

  var count: Int { places.count }

  /// The place of the entry that has so many before it.
  subscript(index: Int) -> EntryPlace {
    places[items.isEmpty ? index : Int(items[index].index)]
  }
}

private struct RunSorter {
  let places: [EntryPlace]
  private(set) var items: [RunItem]
  private var spare: [RunItem]

  /// Fewer are sorted sooner by comparing their keys.
  private static let fewest = 256
  /// Keys made to share ever more with ever fewer others gain nothing from going on.
  private static let deepest = 8
  /// How many keys ahead of the one at hand are asked for: they lie all over the logs.
  private static let distance = 16

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
    for item in range {
      prefetch(item + Self.distance, within: range)
      items[item].prefix = key(item).dropping(shared).sortPrefix
    }
    RunDigits.sort(&items, range, &spare)
    sortEqualOnes(range, sharing: shared, depth)
  }

  private func place(_ item: Int) -> EntryPlace { places[Int(items[item].index)] }

  private func key(_ item: Int) -> ByteView { place(item).key }

  private func prefetch(_ item: Int, within range: Range<Int>) {
    if item < range.upperBound { place(item).prefetchKey() }
  }

  /// How many bytes all keys of a part begin with.
  private func sharedBytes(_ range: Range<Int>, from known: Int) -> Int {
    let first = key(range.lowerBound).dropping(known)
    var shared = first
    for item in range {
      prefetch(item + Self.distance, within: range)
      let other = key(item).dropping(known)
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
