import VarveFormat

/// Puts a run's entries into their order: by key, the newest version of a key first.
///
/// ```
///   all keys share a beginning ──> the eight bytes behind it ──> radix sort ──> equal ones by keys
/// ```
///
/// The bytes behind what all share tell most keys apart, so hardly a key is looked at twice. Eleven
/// bits a pass; a pass in which all are equal moves nothing. A run that is in order already, which
/// many are, is found so by one comparison an entry.
enum RunOrder {
  /// An entry while it is sorted.
  private struct Item {
    var prefix: UInt64
    var index: UInt32
  }

  /// Memory taken for each entry while they are sorted.
  static let bytesAnEntry = 2 * MemoryLayout<Item>.stride + MemoryLayout<EntryPlace>.stride

  private static let digitBits: UInt64 = 11
  private static let digits = 6

  static func sorted(_ places: [EntryPlace]) -> [EntryPlace] {
    precondition(places.count <= UInt32.max)
    if zip(places, places.dropFirst()).allSatisfy({ $0.isBefore($1) }) { return places }
    let shared = Self.sharedBytes(places)
    var items = places.indices.map { index in
      Item(prefix: places[index].key.dropping(shared).sortPrefix, index: UInt32(index))
    }
    Self.radixSort(&items)
    Self.sortEqualOnes(in: &items, places)
    return items.map { places[Int($0.index)] }
  }

  /// How many bytes all keys begin with.
  private static func sharedBytes(_ places: [EntryPlace]) -> Int {
    guard let first = places.first?.key else { return 0 }
    var shared = first
    for place in places where !place.key.starts(with: shared) {
      shared = first.prefix(shared.sharedPrefixCount(with: place.key))
    }
    return shared.count
  }

  private static func radixSort(_ items: inout [Item]) {
    var spare = items
    for digit in 0..<digits {
      let shift = UInt64(digit) * digitBits
      var starts = [Int](repeating: 0, count: 1 << Int(digitBits))
      for item in items { starts[bucket(item, shift)] += 1 }
      guard !starts.contains(items.count) else { continue }
      var start = 0
      for bucket in starts.indices {
        let count = starts[bucket]
        starts[bucket] = start
        start += count
      }
      for item in items {
        let bucket = bucket(item, shift)
        spare[starts[bucket]] = item
        starts[bucket] += 1
      }
      swap(&items, &spare)
    }
  }

  private static func bucket(_ item: Item, _ shift: UInt64) -> Int {
    Int(truncatingIfNeeded: item.prefix >> shift & (1 << digitBits - 1))
  }

  private static func sortEqualOnes(in items: inout [Item], _ places: [EntryPlace]) {
    var start = 0
    while start < items.count {
      var end = start + 1
      while end < items.count, items[end].prefix == items[start].prefix { end += 1 }
      if end > start + 1 {
        items[start..<end].sort { places[Int($0.index)].isBefore(places[Int($1.index)]) }
      }
      start = end
    }
  }
}
