import VarveFormat
import VarveTestSupport

/// The plain truth about one keyspace: a sorted array, and what time it is.
struct SortedModel: Equatable {
  private struct Entry: Equatable {
    var shown: KeyValue
    /// Zero for never.
    var expiry: UInt64
  }

  private var entries: [Entry] = []
  var now: UInt64

  init(now: UInt64) { self.now = now }

  mutating func put(_ key: [UInt8], _ value: [UInt8], life: UInt64?) {
    let entry = Entry(shown: KeyValue(key, value), expiry: life.map { now + $0 } ?? 0)
    let place = place(of: key)
    if holds(key, at: place) {
      entries[place] = entry
    } else {
      entries.insert(entry, at: place)
    }
  }

  mutating func delete(_ key: [UInt8]) {
    let place = place(of: key)
    if holds(key, at: place) { entries.remove(at: place) }
  }

  /// What a reader sees, in order.
  var visible: [KeyValue] {
    entries.filter { $0.expiry == 0 || $0.expiry > now }.map(\.shown)
  }

  func value(of key: [UInt8]) -> [UInt8]? {
    visible.first { $0.key.isSame(as: key) }?.value
  }

  private func place(of key: [UInt8]) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].shown.key.order(against: key) < 0 {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private func holds(_ key: [UInt8], at place: Int) -> Bool {
    place < entries.count && entries[place].shown.key.isSame(as: key)
  }
}
