import Synchronization
import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Reads of single keys and of many, copied and borrowed, from every layer.
@Suite struct StoreReadingTests {
  @Test(arguments: StoreSetting.allCases)
  func eachLayersNewestWriteIsFound(in setting: StoreSetting) throws {
    try setting.withStore(background: .none) { store in
      let keyspace = try store.keyspace("k")
      try store.write { layer in
        var batch = WriteBatch()
        // Key n is last written in layer n; a delete follows in the next where n is odd.
        for key in layer..<6 { batch.put("key \(key)", "layer \(layer)", in: keyspace) }
        if layer > 0, layer % 2 == 0 { batch.delete("key \(layer - 1)", in: keyspace) }
        try store.commit(batch)
      }
      let expected: [String?] = [
        "layer 0", nil, "layer 2", nil, "layer 4", "layer 5",
      ]
      for key in 0..<6 { #expect(try keyspace.text("key \(key)") == expected[key]) }
      let keys = (0..<7).reversed().map { "key \($0)" }
      let values = try keyspace.values(for: keys).map {
        $0.map { String(decoding: $0, as: UTF8.self) }
      }
      #expect(values == [nil] + expected.reversed())
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func manyKeysAreReadAsOfOneMomentAndInTheOrderAsked(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      for key in 0..<500 as Range<UInt64> where key % 3 != 0 {
        try keyspace.put(key, "value \(key)", durability: .buffered)
        if key == 250 { try store.flush() }
      }
      let keys = (0..<500 as Range<UInt64>).map { ($0 &* 377) % 500 }
      let values = try keyspace.values(for: keys + [1, 1])
      let expected = (keys + [1, 1]).map { $0 % 3 == 0 ? nil : Array("value \($0)".utf8) }
      let isRight = values == expected
      #expect(isRight)
      #expect(try keyspace.values(for: [String]()).isEmpty)
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aBorrowedValueHoldsWhileTheStoreIsWrittenFlushedAndCompacted(in setting: StoreSetting) throws
  {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      for count in [10, 2_000, 100_000] {
        let before = [UInt8](repeating: 1, count: count)
        for place in ["memtable", "level 0", "last level"] {
          try keyspace.put("key", before, durability: .buffered)
          if place != "memtable" { try store.flush() }
          if place == "last level" { try store.compact() }
          let read = try keyspace.withValue(for: "key") { lent in
            try keyspace.put("key", [UInt8](repeating: 2, count: count))
            try store.flush()
            try keyspace.delete("key")
            try store.compact()
            let inner = try keyspace.contains("key")
            return (lent: [UInt8](copying: lent), inner: inner)
          }
          let isRight = read?.lent == before && read?.inner == false
          #expect(isRight, "\(count) bytes, \(place)")
        }
      }
    }
  }

  /// The same with the store's threads at work, and a writer that waits for the lender.
  @Test(.timeLimit(.minutes(1)), arguments: FileSystemKind.allCases)
  func aPutInsideABorrowedReadDoesNotDeadlock(on kind: FileSystemKind) throws {
    try kind.withDirectory { _, fileSystem, path in
      let store = try SegmentStore.open(
        at: path, options: .small,
        components: StoreComponents(
          fileSystem: fileSystem, clock: SystemClock(), random: SimulatedRandom(seed: 1),
          background: .threads))
      let keyspace = try store.keyspace("k")
      try keyspace.put("key", "outer")
      let done = Atomic<Int>(0)
      let other = try WorkerThread(name: "other") {
        for round in 0..<50 {
          if (try? keyspace.put("other \(round)", "1")) != nil {
            done.add(1, ordering: .relaxed)
          }
        }
      }
      let text = try keyspace.withValue(for: "key") { lent in
        for round in 0..<50 { try keyspace.put("inner \(round)", "1") }
        try store.flush()
        try keyspace.put("key", "inner")
        try store.compact()
        other.join()
        return String(copying: lent)
      }
      #expect(text == "outer" && done.load(ordering: .relaxed) == 50)
      #expect(try keyspace.text("key") == "inner")
      try store.close()
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func whatABodyThrowsComesOutAndLeavesTheStoreUsable(in setting: StoreSetting) throws {
    struct Stop: Error, Equatable {}
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      try keyspace.put("a", "1")
      #expect(throws: Stop()) { try keyspace.withValue(for: "a") { _ in throw Stop() } }
      #expect(throws: Stop()) { try keyspace.forEach { _, _ in throw Stop() } }
      #expect(try keyspace.withValue(for: "absent") { _ in throw Stop() } == nil)
      try keyspace.put("a", "2")
      #expect(try keyspace.text("a") == "2")
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func valuesAreLentWhereThePolicyAlignsThem(in setting: StoreSetting) throws {
    try setting.withStore { store in
      var policy = KeyspacePolicy.default
      policy.valueAlignment = 64
      policy.compression = .none
      let keyspace = try store.keyspace("vectors", policy)
      for index in 0..<200 as Range<UInt64> {
        let count = index % 10 == 0 ? 6_144 : 16 + Int(index)
        try keyspace.put(index, [UInt8](repeating: UInt8(index), count: count))
      }
      for step in 0..<2 {
        if step == 0 { try store.flush() } else { try store.compact() }
        for index in 0..<200 as Range<UInt64> {
          let address = try keyspace.withValue(for: index) { value in
            unsafe value.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
          }
          if (address ?? 1) % 64 != 0 { Issue.record("value \(index) at \(address ?? 0)") }
        }
      }
    }
  }
}
