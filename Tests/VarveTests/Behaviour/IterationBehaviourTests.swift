import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What cursors and snapshots show while the store changes. Numbers are those of the list in
/// README.md.
@Suite struct IterationBehaviourTests {
  /// 84
  @Test(arguments: StoreSetting.allCases)
  func equalSnapshotsMayBeReleasedInAnyOrder(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      try keyspace.put("foo", "0")
      for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        try keyspace.put("foo", "v1")
        var snapshots: [Snapshot?] = try (0..<3).map { _ in try store.snapshot() }
        try keyspace.put("foo", "v2")
        #expect(store.metrics().snapshots == 3)
        for (count, index) in order.enumerated() {
          try store.compact()
          for snapshot in snapshots.compactMap(\.self) {
            #expect(try keyspace.text("foo", at: snapshot) == "v1", "\(order)")
          }
          snapshots[index] = nil
          #expect(store.metrics().snapshots == 2 - count)
        }
        try store.compact()
        #expect(try keyspace.text("foo") == "v2")
        #expect(store.metrics().levels.reduce(0) { $0 + $1.entries } == 2)
      }
    }
  }

  /// 84
  @Test(arguments: StoreSetting.allCases)
  func aCursorFromBeforeTheFirstWriteIsEmptyBeforeAndAfterAFlush(in setting: StoreSetting) throws {
    for isFlushed in [false, true] {
      try setting.withStore { store in
        let keyspace = try store.keyspace("k")
        let snapshot = try store.snapshot()
        var cursor = try keyspace.cursor()
        for key in 0..<50 { try keyspace.put("key \(key)", [UInt8](repeating: 1, count: 3_000)) }
        if isFlushed { try store.flush() }
        #expect(try cursor.next() == false)
        #expect(try cursor.seek(to: "key 1") == false)
        #expect(try keyspace.entries(at: snapshot).isEmpty)
        #expect(try keyspace.entries(order: .descending, at: snapshot).isEmpty)
        #expect(try keyspace.entries().count == 50)
      }
    }
  }

  /// 85
  @Test(arguments: StoreSetting.allCases)
  func aCursorKeepsItsViewWhileTenMegabytesAreWrittenOverIt(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      for key in 0..<10 { try keyspace.put("key \(key)", "hello", durability: .buffered) }
      var cursor = try keyspace.cursor()
      #expect(try cursor.seek(to: "key 3"))
      var random = SeededRandom(seed: 2)
      for round in 0..<100 {
        try keyspace.put("key \(round % 10)", random.bytes(100_000), durability: .buffered)
        if round % 25 == 24 { try store.compact() }
      }
      for key in 3..<10 {
        #expect(String(copying: cursor.key) == "key \(key)")
        #expect(String(copying: cursor.value) == "hello")
        #expect(try cursor.next() == (key < 9))
      }
      #expect(try keyspace.size(ofValueFor: "key 3") == 100_000)
    }
  }

  /// 86, LevelDB's issue 200: back, back, a write into the gap, forward.
  @Test(arguments: StoreSetting.allCases)
  func turningAfterAConcurrentInsertShowsTheNextKeyOfItsMoment(in setting: StoreSetting) throws {
    for place in ["memtable", "level 0", "last level"] {
      try setting.withStore { store in
        let keyspace = try store.keyspace("k")
        for key in ["1", "2", "3", "4", "5"] { try keyspace.put(key, "b") }
        if place != "memtable" { try store.flush() }
        if place == "last level" { try store.compact() }
        try keyspace.delete("2")
        var cursor = try keyspace.cursor()
        try keyspace.put("25", "cd")
        #expect(try cursor.seek(to: "5"))
        #expect(try cursor.previous() && String(copying: cursor.key) == "4")
        #expect(try cursor.previous() && String(copying: cursor.key) == "3")
        try keyspace.put("35", "inserted")
        #expect(try cursor.next() && String(copying: cursor.key) == "4", "\(place)")
        #expect(try cursor.next() && String(copying: cursor.key) == "5", "\(place)")
        #expect(try cursor.previous() && cursor.previous() && cursor.previous(), "\(place)")
        #expect(String(copying: cursor.key) == "1", "\(place)")
      }
    }
  }
}
