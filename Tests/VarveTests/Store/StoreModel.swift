import VarveTestSupport

@testable import Varve

/// The plain truth about a store: what each keyspace holds, in sorted arrays, and what time it is.
struct StoreModel {
  struct Entry {
    var shown: KeyValue
    /// Zero for never.
    var expiry: UInt64
  }

  var keyspaces: [String: [Entry]] = [:]
  /// Milliseconds since 1970; never goes back.
  var now: UInt64

  mutating func put(_ key: [UInt8], _ value: [UInt8], in keyspace: String, life: UInt64?) {
    let entry = Entry(shown: KeyValue(key, value), expiry: life.map { now + $0 } ?? 0)
    let (index, isThere) = place(of: key, in: keyspace)
    if isThere {
      keyspaces[keyspace]?[index] = entry
    } else {
      keyspaces[keyspace]?.insert(entry, at: index)
    }
  }

  mutating func delete(_ key: [UInt8], in keyspace: String) {
    let (index, isThere) = place(of: key, in: keyspace)
    if isThere { keyspaces[keyspace]?.remove(at: index) }
  }

  func value(of key: [UInt8], in keyspace: String) -> [UInt8]? {
    let (index, isThere) = place(of: key, in: keyspace)
    guard isThere, let entry = keyspaces[keyspace]?[index], isVisible(entry) else { return nil }
    return entry.shown.value
  }

  /// The visible entries of a keyspace in the order of a scan.
  func entries(
    of keyspace: String, _ range: KeyRange = .all, order: ScanOrder = .ascending
  ) -> [KeyValue] {
    let first = range.lower.map { place(of: $0, in: keyspace).index } ?? 0
    let all = keyspaces[keyspace] ?? []
    let end = range.upper.map { place(of: $0, in: keyspace).index } ?? all.count
    var found: [KeyValue] = []
    for index in first..<max(first, end) where isVisible(all[index]) {
      found.append(all[index].shown)
    }
    return order == .ascending ? found : found.reversed()
  }

  private func isVisible(_ entry: Entry) -> Bool { entry.expiry == 0 || entry.expiry > now }

  /// Where a key stands, or would stand.
  private func place(of key: [UInt8], in keyspace: String) -> (index: Int, isThere: Bool) {
    (keyspaces[keyspace] ?? []).place { $0.shown.key.order(against: key) }
  }
}

extension Array {
  /// Where the element stands for which `order` is zero, or would stand among these sorted ones.
  func place(_ order: (Element) -> Int) -> (index: Int, isThere: Bool) {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if order(self[middle]) < 0 { low = middle + 1 } else { high = middle }
    }
    return (low, low < count && order(self[low]) == 0)
  }
}
