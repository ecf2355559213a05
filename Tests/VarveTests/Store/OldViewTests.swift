import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A cursor keeps what it was made on, files included, without registering as a snapshot.
@Suite struct StoreOldViewTests {
  @Test(arguments: StoreSetting.allCases)
  func aCursorShowsItsMomentWhileEverythingIsWrittenOverAndCompacted(
    in setting: StoreSetting
  ) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      func fill(_ round: UInt8) throws {
        // Buffered, so that large values go to value files at once.
        for key in 0..<60 {
          try keyspace.put(
            "key \(key)", [UInt8](repeating: round, count: key % 3 == 0 ? 20_000 : 100),
            durability: .buffered)
        }
      }
      for place in ["memtable", "level 0", "last level"] {
        try fill(1)
        if place != "memtable" { try store.flush() }
        if place == "last level" { try store.compact() }
        var cursor = try keyspace.cursor(order: .descending)
        #expect(try cursor.next())
        for round in 2..<6 as Range<UInt8> {
          try fill(round)
          try store.compact()
        }
        for key in 0..<60 { try keyspace.delete("key \(key)", durability: .buffered) }
        try store.compact()
        #expect(try keyspace.entries().isEmpty)
        var count = 0
        repeat {
          count += 1
          if cursor.value.isEmpty || cursor.value[0] != 1
            || cursor.value[cursor.value.count - 1] != 1
          {
            Issue.record("\(place): \(String(copying: cursor.key)) shows another round")
          }
        } while try cursor.next()
        #expect(count == 60, "\(place)")
      }
    }
  }

  /// Value files go when the last who may read them has gone, and not before.
  @Test(arguments: StoreSetting.allCases)
  func filesThatOnlyACursorReadsStayUntilItIsDropped(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      for place in ["memtable", "level 0"] {
        try keyspace.put("a", [UInt8](repeating: 1, count: 100_000), durability: .buffered)
        if place == "level 0" { try store.flush() }
        try Self.walk(keyspace) {
          try keyspace.delete("a")
          try store.compact()
          #expect(try DirectoryCount(store).valueFiles == 1, "\(place)")
        }
        try store.compact()
        #expect(try DirectoryCount(store).valueFiles == 0, "\(place)")
      }
    }
  }

  /// Stands on the first entry while `body` runs, then reads it.
  private static func walk(_ keyspace: Keyspace, _ body: () throws -> Void) throws {
    var cursor = try keyspace.cursor()
    #expect(try cursor.next())
    try body()
    #expect(cursor.value.count == 100_000 && cursor.value[99_999] == 1)
    #expect(try !cursor.next())
  }

  @Test(arguments: StoreSetting.allCases)
  func aCursorOnADroppedKeyspaceGoesOn(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      for key in 0..<50 { try keyspace.put("key \(key)", "value", durability: .buffered) }
      try store.flush()
      var cursor = try keyspace.cursor()
      #expect(try cursor.next())
      try store.dropKeyspace("k")
      try store.compact()
      var count = 1
      while try cursor.next() { count += 1 }
      #expect(count == 50)
      #expect(code { _ = try keyspace.cursor() } == .notFound)
    }
  }
}
