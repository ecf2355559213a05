import Varve
import VarveTestSupport

/// Everything that a store returns, held against what may be in it.
struct SweepReading {
  /// Its keys are asked for.
  let newest: SweptStore.Content
  /// What an error means.
  let judge: (any Error) -> SweepVerdict
  private var content: SweptStore.Content = [:]
  /// Nil as long as all is right.
  private(set) var verdict: SweepVerdict?

  init(newest: SweptStore.Content, judge: @escaping (any Error) -> SweepVerdict) {
    self.newest = newest
    self.judge = judge
  }

  private mutating func note(_ found: SweepVerdict) {
    // The worst counts.
    let order = SweepVerdict.allCases
    guard let verdict, let before = order.firstIndex(of: verdict),
      let now = order.firstIndex(of: found), now <= before
    else { return verdict = found }
  }

  mutating func readAll(of store: SegmentStore, allowing states: [SweptStore.Content]) throws {
    for keyspace in store.keyspaces {
      content[keyspace.name] = scan(keyspace, .ascending, states)
      let backward = scan(keyspace, .descending, states)
      if verdict == nil, backward != content[keyspace.name] { note(.wrong) }
    }
    if verdict == nil, !states.contains(content) {
      return note(Self.lacks(content, states[states.count - 1]) ? .absent : .wrong)
    }
    try readSingly(store, allowing: states)
  }

  /// What a scan shows before it throws must be there as well.
  private mutating func scan(
    _ keyspace: Keyspace, _ order: ScanOrder, _ states: [SweptStore.Content]
  ) -> [[UInt8]: [UInt8]] {
    var found: [[UInt8]: [UInt8]] = [:]
    do {
      try keyspace.forEach(order: order) { found[[UInt8](copying: $0)] = [UInt8](copying: $1) }
    } catch {
      note(judge(error))
      let isThere = states.contains { state in
        found.allSatisfy { state[keyspace.name]?[$0.key] == $0.value }
      }
      if !isThere { note(.wrong) }
    }
    return found
  }

  private mutating func readSingly(
    _ store: SegmentStore, allowing states: [SweptStore.Content]
  ) throws {
    for (name, entries) in newest.sorted(by: { $0.key < $1.key }) {
      let keyspace = try store.keyspace(name)
      for key in entries.keys + [Array("no such key".utf8)] {
        do {
          let found = try keyspace.value(for: key)
          if states.contains(where: { $0[name]?[key] == found }) { continue }
          note(found == nil ? .absent : .wrong)
        } catch {
          note(judge(error))
        }
      }
    }
  }

  /// Whether what is wrong is that something is missing.
  private static func lacks(_ found: SweptStore.Content, _ expected: SweptStore.Content) -> Bool {
    expected.contains { name, entries in
      entries.contains { found[name]?[$0.key] == nil }
    }
  }
}
