package import Varve

/// The plain truth about a store: what each keyspace holds, in sorted arrays, and what time it is.
package struct StoreModel: Sendable {
  package struct Entry: Equatable, Sendable {
    package var shown: KeyValue
    /// Milliseconds since 1970; zero for never.
    package var expiry: UInt64

    package init(_ key: [UInt8], _ value: [UInt8], expiry: UInt64 = 0) {
      shown = KeyValue(key, value)
      self.expiry = expiry
    }
  }

  /// What changes a store's content as a whole or not at all.
  package enum Change: Sendable {
    case make(Int)
    case drop(Int)
    /// Keyspace, key, and the entry under it from then on; nil for none.
    case write([(Int, [UInt8], Entry?)])
    /// All of it is other than it was.
    case become([[Entry]?])
  }

  /// By number; nil where there is no such keyspace.
  package var keyspaces: [[Entry]?]
  /// Milliseconds since 1970; never goes back.
  package var now: UInt64

  package init(keyspaces count: Int, now: UInt64) {
    keyspaces = [[]] + [[Entry]?](repeating: nil, count: count - 1)
    self.now = now
  }

  package mutating func apply(_ change: Change) {
    switch change {
    case .make(let keyspace): keyspaces[keyspace] = []
    case .drop(let keyspace): keyspaces[keyspace] = nil
    case .write(let writes): for (keyspace, key, entry) in writes { set(keyspace, key, entry) }
    case .become(let others): keyspaces = others
    }
  }

  private mutating func set(_ keyspace: Int, _ key: [UInt8], _ entry: Entry?) {
    guard let (index, isThere) = keyspaces[keyspace].map({ Self.place(of: key, in: $0) }) else {
      return
    }
    switch (entry, isThere) {
    case (let entry?, true): keyspaces[keyspace]?[index] = entry
    case (let entry?, false): keyspaces[keyspace]?.insert(entry, at: index)
    case (nil, true): keyspaces[keyspace]?.remove(at: index)
    case (nil, false): break
    }
  }
}

// MARK: - Reading

extension StoreModel {
  /// The entry that a reader sees under `key`.
  package func entry(of key: [UInt8], in keyspace: Int) -> Entry? {
    guard let entries = keyspaces[keyspace] else { return nil }
    let (index, isThere) = Self.place(of: key, in: entries)
    return isThere && isVisible(entries[index]) ? entries[index] : nil
  }

  /// What a reader sees of a keyspace, in the order of a scan.
  package func entries(
    of keyspace: Int, _ range: KeyRange = .all, order: ScanOrder = .ascending
  ) -> [Entry] {
    let all = keyspaces[keyspace] ?? []
    let first = range.lower.map { Self.place(of: $0, in: all).index } ?? 0
    let end = range.upper.map { Self.place(of: $0, in: all).index } ?? all.count
    let found = all[first..<max(first, end)].filter(isVisible)
    return order == .ascending ? found : found.reversed()
  }

  private func isVisible(_ entry: Entry) -> Bool { entry.expiry == 0 || entry.expiry > now }

  /// Where a key stands among sorted entries, or would stand.
  private static func place(of key: [UInt8], in all: [Entry]) -> (index: Int, isThere: Bool) {
    all.place { $0.shown.key.order(against: key) }
  }
}

extension Array {
  /// Where the element stands for which `order` is zero, or would stand among these sorted ones.
  package func place(_ order: (Element) -> Int) -> (index: Int, isThere: Bool) {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if order(self[middle]) < 0 { low = middle + 1 } else { high = middle }
    }
    return (low, low < count && order(self[low]) == 0)
  }
}
