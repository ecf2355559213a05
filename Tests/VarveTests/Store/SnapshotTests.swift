import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

@Suite struct StoreSnapshotTests {
  /// What may happen to a store under a snapshot, each alone and all one after the other.
  private enum Event: CaseIterable {
    case overwrite, delete, add, flush, compact, rotateMemTable

    func happen(to store: SegmentStore, _ keyspaces: [Keyspace]) throws {
      for keyspace in keyspaces {
        switch self {
        case .overwrite:
          for key in 0..<40 { try keyspace.put("key \(key)", "new", durability: .buffered) }
        case .delete:
          for key in 0..<40 { try keyspace.delete("key \(key)", durability: .buffered) }
        case .add:
          for key in 0..<80 {
            try keyspace.put(
              "key \(key)", [UInt8](repeating: 1, count: 2_000), durability: .buffered)
          }
        case .flush: try store.flush()
        case .compact: try store.compact()
        case .rotateMemTable: try store.freezeMemTable()
        }
      }
    }
  }

  private static func fill(_ store: SegmentStore) throws -> (keyspaces: [Keyspace], [[KeyValue]]) {
    let keyspaces = try ["a", "b", "c"].map { try store.keyspace($0) }
    for (index, keyspace) in keyspaces.enumerated() {
      for key in 0..<40 where (key + index) % 3 != 0 {
        let count = key % 5 == 0 ? 1_500 : 10
        try keyspace.put(
          "key \(key)", [UInt8](repeating: UInt8(index), count: count),
          durability: key % 2 == 0 ? .buffered : .synced)
      }
    }
    return (keyspaces, try keyspaces.map { try $0.entries() })
  }

  @Test(arguments: StoreSetting.allCases)
  func aSnapshotShowsAllKeyspacesAsTheyWereWhateverHappens(in setting: StoreSetting) throws {
    let sequences = Event.allCases.map { [$0] } + [Event.allCases, Event.allCases.reversed()]
    for events in sequences {
      try setting.withStore { store in
        let (keyspaces, before) = try Self.fill(store)
        let snapshot = try store.snapshot()
        #expect(snapshot.sequence == store.metrics().lastSequence)
        for event in events + [.compact] {
          try event.happen(to: store, keyspaces)
          for (keyspace, content) in zip(keyspaces, before) {
            let up = try keyspace.entries(at: snapshot) == content
            let down =
              try keyspace.entries(order: .descending, at: snapshot) == Array(content.reversed())
            let point = try content.allSatisfy {
              try snapshot.value(for: $0.key, in: keyspace) == $0.value
            }
            let absent = try snapshot.contains("key 79", in: keyspace)
            #expect(up && down && point && !absent, "\(event) of \(events), \(keyspace.name)")
          }
        }
        withExtendedLifetime(snapshot) {}
      }
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aSnapshotStillReadsAKeyspaceThatWasDroppedAfterIt(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let (keyspaces, before) = try Self.fill(store)
      let snapshot = try store.snapshot()
      try store.dropKeyspace("b")
      let late = try store.snapshot()
      let again = try store.keyspace("b")
      try again.put("key 1", "another life")
      for step in 0..<3 {
        if step == 1 { try store.flush() }
        if step == 2 { try store.compact() }
        let isKept = try keyspaces[1].entries(at: snapshot) == before[1]
        #expect(isKept, "step \(step)")
        #expect(try snapshot.value(for: "key 0", in: keyspaces[1]) == before[1][0].value)
        #expect(try snapshot.withValue(for: "key 1", in: keyspaces[1]) { $0.count } == 10)
        #expect(code { _ = try keyspaces[1].value(for: "key 0") } == .notFound)
        #expect(code { _ = try keyspaces[1].entries() } == .notFound)
        #expect(code { _ = try keyspaces[1].entries(at: late) } == .notFound)
        #expect(code { _ = try late.contains("key 0", in: keyspaces[1]) } == .notFound)
        // The one of the same name is another: the snapshot is older than all in it.
        #expect(try again.entries(at: snapshot).isEmpty)
      }
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func whatOnlyASnapshotSeesGoesOnceItIsReleased(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let (keyspaces, _) = try Self.fill(store)
      var snapshot: Snapshot? = try store.snapshot()
      for keyspace in keyspaces {
        for key in 0..<40 { try keyspace.delete("key \(key)", durability: .buffered) }
      }
      try store.compact()
      #expect(store.metrics().snapshots == 1)
      #expect(store.metrics().levels.reduce(0) { $0 + $1.entries } >= 78)
      withExtendedLifetime(snapshot) {}
      snapshot = nil
      #expect(store.metrics().snapshots == 0)
      try store.compact()
      // What is left are the records of the keyspaces.
      #expect(store.metrics().levels.reduce(0) { $0 + $1.entries } == 3)
      #expect(store.metrics().valueFiles == 0)
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aSnapshotOfAnotherStoreIsRefused(in setting: StoreSetting) throws {
    try setting.withStore { store in
      try setting.withStore { other in
        let (mine, theirs) = (try store.keyspace("k"), try other.keyspace("k"))
        let snapshot = try store.snapshot()
        #expect(code { _ = try snapshot.value(for: "a", in: theirs) } == .invalid)
        #expect(code { _ = try theirs.cursor(at: snapshot) } == .invalid)
        #expect(try snapshot.value(for: "a", in: mine) == nil)
      }
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func manySnapshotsEachSeeTheirOwnVersion(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      var snapshots: [(Snapshot, String?)] = []
      for round in 0..<30 {
        // Ten rounds of a value, then none, with a flush or compaction now and then.
        let value = round % 4 == 3 ? nil : "round \(round)"
        if let value { try keyspace.put("key", value) } else { try keyspace.delete("key") }
        snapshots.append((try store.snapshot(), value))
        if round % 5 == 4 { try store.flush() }
        if round % 11 == 10 { try store.compact() }
      }
      var random = SeededRandom(seed: 4)
      while !snapshots.isEmpty {
        snapshots.remove(at: random.below(snapshots.count))
        try store.compact()
        for (snapshot, value) in snapshots {
          #expect(try keyspace.text("key", at: snapshot) == value)
        }
      }
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aClosedSnapshotKeepsNothingAndIsNotRead(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      let large = [UInt8](repeating: 1, count: 100_000)
      try keyspace.put("a", large)
      try keyspace.put("b", "2")
      let snapshot = try store.snapshot()
      try keyspace.delete("a")
      let values = try snapshot.values(for: ["b", "a", "c"], in: keyspace)
      #expect(values.map { $0?.count } == [1, 100_000, nil])
      #expect(try snapshot.size(ofValueFor: "a", in: keyspace) == 100_000)
      #expect(try snapshot.size(ofValueFor: "c", in: keyspace) == nil)
      var cursor = try keyspace.cursor(KeyRange("a"..<"b"), at: snapshot)
      try store.compact()
      #expect(store.metrics().valueFileBytes > 0)
      snapshot.close()
      snapshot.close()
      #expect(code { _ = try snapshot.value(for: "b", in: keyspace) } == .closed)
      #expect(code { _ = try keyspace.cursor(at: snapshot) } == .closed)
      try store.compact()
      #expect(store.metrics().valueFileBytes == 0)
      // What was begun before goes on.
      let found = try cursor.next() ? cursor.value.count : 0
      #expect(found == 100_000)
      let more = try cursor.next()
      #expect(!more)
    }
  }
}
