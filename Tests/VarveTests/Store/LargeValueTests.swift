import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Large values and the garbage they leave.
@Suite struct StoreLargeValueTests {
  @Test(arguments: StoreSetting.allCases)
  func valuesOfAllSizesComeBackFromEveryLayer(in setting: StoreSetting) throws {
    try setting.withStores { open in
      var store = try open()
      let sizes = [
        0, 1, 1_023, 1_024, 1_025, 4_096, 65_535, 65_536, 65_537, 262_143, 262_145, 3_000_000,
      ]
      var random = SeededRandom(seed: 5)
      let values = sizes.map { $0 % 2 == 0 ? random.bytes($0) : random.text($0) }
      for (name, durability) in [("s", Durability.synced), ("b", .buffered)] {
        let keyspace = try store.keyspace(name)
        for (size, value) in zip(sizes, values) {
          try keyspace.put("size \(size)", value, durability: durability)
        }
      }
      for step in ["memtable", "reopened", "level 0", "last level", "reopened again"] {
        if step.hasPrefix("reopened") {
          try store.close()
          store = try open()
        }
        if step == "level 0" { try store.flush() }
        if step == "last level" { try store.compact() }
        for name in ["s", "b"] {
          let keyspace = try #require(try store.existingKeyspace(name))
          for (size, value) in zip(sizes, values) {
            let isSame = try keyspace.value(for: "size \(size)") == value
            #expect(isSame, "\(size) bytes, \(step), \(name)")
            #expect(try keyspace.size(ofValueFor: "size \(size)") == size)
          }
        }
      }
      #expect(store.metrics().valueFiles > 0)
      try store.close()
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func overwritingAgainAndAgainDoesNotGrowTheStore(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      var random = SeededRandom(seed: 6)
      for _ in 0..<12 {
        for key in 0..<20 {
          try keyspace.put("key \(key)", random.bytes(20_000), durability: .buffered)
        }
        try store.flush()
      }
      let live = UInt64(20 * 20_000)
      try store.compact()
      let metrics = store.metrics()
      #expect(metrics.valueFileBytes < live * 21 / 20 + 4_096)
      #expect(metrics.liveValueBytes == live)
      #expect(try DirectoryCount(store).dataBytes < live * 21 / 20 + 8_192)
      #expect(try keyspace.entries().allSatisfy { $0.value.count == 20_000 })
    }
  }

  /// A file that is half garbage is written again without its garbage; a whole one is left alone.
  @Test(arguments: StoreSetting.allCases)
  func aFileThatIsPartlyGarbageShrinks(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      var random = SeededRandom(seed: 7)
      for key in 0..<40 {
        try keyspace.put("key \(key)", random.bytes(10_000), durability: .buffered)
      }
      try store.compact()
      let whole = store.metrics()
      try store.compact()
      #expect(store.metrics().manifestNumber == whole.manifestNumber)
      for key in stride(from: 0, to: 40, by: 2) { try keyspace.delete("key \(key)") }
      try store.compact()
      #expect(store.metrics().valueFileBytes < whole.valueFileBytes * 11 / 20)
      #expect(store.metrics().liveValueBytes == 200_000)
      #expect(try keyspace.entries().count == 20)
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func deletingEverythingLeavesAnEmptyDirectory(in setting: StoreSetting) throws {
    try setting.withStores { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      var random = SeededRandom(seed: 8)
      for key in 0..<500 {
        try keyspace.put(
          "key \(key)", random.bytes(key % 20 == 0 ? 50_000 : 200), durability: .buffered)
        if key % 120 == 119 { try store.flush() }
      }
      try store.compact()
      #expect(try DirectoryCount(store).bytes > 1_000_000)
      for key in 0..<500 { try keyspace.delete("key \(key)", durability: .buffered) }
      try store.compact()
      #expect(try keyspace.entries().isEmpty)
      #expect(store.metrics().levels.reduce(0) { $0 + $1.entries } == 1)
      #expect(try DirectoryCount(store).valueFiles == 0)
      try store.close()
      let again = try open()
      // What is left is the log prepared ahead, which is 16 KiB here, and a few hundred bytes.
      let left = try DirectoryCount(again)
      #expect(left.bytes < 64 << 10 && left.segments == 1, "\(left)")
      try again.close()
    }
  }

  /// Values that were placed for a commit that failed are garbage like any other.
  @Test func valuesOfAFailedCommitDoNotStay() throws {
    let system = SimulatedFileSystem()
    let store = try CrashWorkload.open(system)
    let keyspace = try store.keyspace("k")
    try keyspace.put("kept", [UInt8](repeating: 1, count: 100_000), durability: .buffered)
    try store.flush()
    var batch = WriteBatch()
    batch.put("a", [UInt8](repeating: 2, count: 200_000), in: keyspace)
    system.inject(Fault(.write, "log-", effect: .error(.full)))
    #expect(throws: StoreError.self) { try store.commit(batch) }
    try? store.close()
    system.clearFaults()
    let again = try CrashWorkload.open(system)
    try again.compact()
    #expect(again.metrics().valueFiles == 1)
    #expect(try again.existingKeyspace("k")?.contains("a") == false)
    try again.close()
  }
}
