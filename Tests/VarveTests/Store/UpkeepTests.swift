import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What a store tells of itself: sizes, metrics, events.
@Suite struct StoreUpkeepTests {
  @Test(arguments: StoreSetting.allCases)
  func theApproximateSizeFollowsWhatIsThere(in setting: StoreSetting) throws {
    for isLarge in [false, true] {
      for place in ["memtable", "replayed memtable", "level 0", "last level"] {
        try setting.withStores { open in
          var store = try open()
          var (keyspace, other) = (try store.keyspace("k"), try store.keyspace("l"))
          var random = SeededRandom(seed: 11)
          let valueBytes = isLarge ? 2_000 : 100
          for key in 0..<800 as Range<UInt32> {
            for keyspace in [keyspace, other] {
              try keyspace.put(key, random.bytes(valueBytes), durability: .buffered)
            }
          }
          if place == "replayed memtable" {
            try store.close()
            store = try open()
            (keyspace, other) = (try store.keyspace("k"), try store.keyspace("l"))
          }
          if place == "level 0" || place == "last level" { try store.flush() }
          if place == "last level" { try store.compact() }
          func size(_ range: Range<UInt32>, of keyspace: Keyspace) throws -> Double {
            let range = KeyRange(from: range.lowerBound.keyBytes, to: range.upperBound.keyBytes)
            return Double(try keyspace.approximateSize(of: range))
          }
          let whole = Double(800 * (valueBytes + 8))
          let shares: [(Range<UInt32>, Double)] = [
            (0..<800, 1), (0..<400, 0.5), (200..<300, 0.125), (700..<1_800, 0.125),
          ]
          for (range, share) in shares {
            let found = try size(range, of: keyspace)
            #expect(
              found > whole * share * 0.7 && found < whole * share * 1.4 + 16_384,
              "\(range), \(place), values of \(valueBytes): \(found) for \(whole * share)")
          }
          let all = Double(try keyspace.approximateSize())
          #expect(all > whole * 0.7 && all < whole * 1.4, "\(place), \(valueBytes): \(all)")
          #expect(try size(1_900..<2_000, of: keyspace) == 0)
          #expect(try keyspace.approximateSize(of: KeyRange(from: [5], to: [4])) == 0)
          try store.close()
        }
      }
    }
  }

  /// Names beside vectors beside a lone entry, in one memtable and in one segment.
  @Test(arguments: StoreSetting.allCases)
  func theApproximateSizeTellsKeyspacesApart(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let lone = try store.keyspace("lone")
      let names = try store.keyspace("names")
      let vectors = try store.keyspace("vectors", .vectors(of: Float.self, dimension: 384))
      var random = SeededRandom(seed: 13)
      var batch = WriteBatch()
      batch.put("a", "1", in: lone)
      for key in 0..<3_000 as Range<UInt32> { batch.put(key, random.bytes(20), in: names) }
      for key in 0..<1_000 as Range<UInt32> { batch.put(key, random.bytes(1_536), in: vectors) }
      try store.commit(batch, durability: .buffered)
      for place in ["memtable", "level 0", "last level"] {
        if place == "level 0" { try store.flush() }
        if place == "last level" { try store.compact() }
        let (few, some, many) = (
          try lone.approximateSize(), try names.approximateSize(), try vectors.approximateSize()
        )
        #expect(few < 1_000, "\(place)")
        #expect(some > 60_000 && some < 160_000, "\(some), \(place)")
        #expect(many > 1_200_000 && many < 2_000_000, "\(many), \(place)")
        #expect(try vectors.approximateSize(of: KeyRange(prefix: [0, 0, 0])) < 500_000, "\(place)")
      }
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func metricsCountWhatWasDone(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      let start = store.metrics()
      var random = SeededRandom(seed: 12)
      var batch = WriteBatch()
      for key in 0..<100 { batch.put("key \(key)", random.bytes(100), in: keyspace) }
      try store.commit(batch)
      try keyspace.put("large", random.bytes(100_000), durability: .buffered)
      for key in 0..<50 { try keyspace.delete("key \(key)", durability: .buffered) }
      var metrics = store.metrics()
      #expect(metrics.commits - start.commits == 52)
      #expect(metrics.entriesWritten - start.entriesWritten == 151)
      #expect(metrics.lastSequence - start.lastSequence == 151)
      #expect(metrics.logSyncs - start.logSyncs == 1)
      // Keys, values, and what stands around each.
      let logBytes = metrics.logBytes - start.logBytes
      #expect(logBytes > 100 * 107 && logBytes < 100 * 130 + 52 * 64)
      #expect(metrics.valueBytesWritten == 100_000)
      #expect(
        metrics.memTableEntries == start.memTableEntries + 151 && metrics.memTableBytes > 10_000)
      #expect(metrics.flushes == 0 && metrics.valueFiles == 0 && metrics.delayedWrites == 0)
      try store.flush()
      metrics = store.metrics()
      #expect(metrics.flushes == 1 && metrics.memTableEntries == 0 && metrics.frozenMemTables == 0)
      #expect(metrics.levels[0].segments == 1 && metrics.levels[0].bytes > 5_000)
      // The large value was written by its commit.
      #expect(metrics.flushedBytes == metrics.levels[0].bytes)
      #expect(metrics.valueFiles == 1 && metrics.liveValueBytes == 100_000)
      try store.compact()
      metrics = store.metrics()
      #expect(metrics.compactions == 1 && metrics.levels[0].segments == 0)
      #expect(metrics.levels[6].entries == 52)
      #expect(metrics.compactionReadBytes > 0 && metrics.compactionWrittenBytes > 0)
      #expect(metrics.keyspaces == 2 && metrics.snapshots == 0 && metrics.poison == nil)
      #expect(metrics.derivedOptions.contains { $0.name == "memtable" && $0.bytes == 1 << 20 })
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func skippedEntriesTellHowMuchScansPassInVain(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      for key in 0..<100 {
        try keyspace.put("key \(key)", "old", durability: .buffered)
        try keyspace.put("key \(key)", "new", durability: .buffered)
        if key % 2 == 0 { try keyspace.delete("key \(key)", durability: .buffered) }
      }
      #expect(store.metrics().skippedEntries == 0)
      #expect(try keyspace.entries().count == 50)
      let skipped = store.metrics().skippedEntries
      // Two puts of each key and fifty deletes, less the fifty shown.
      #expect(skipped == 200)
      try store.compact()
      #expect(try keyspace.entries(order: .descending).count == 50)
      #expect(store.metrics().skippedEntries == skipped)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func eventsTellWhatTheStoreDid(on kind: FileSystemKind) throws {
    let events = Monitor<[String]>([])
    var options = StoreOptions.small
    options.onEvent = { event in
      let text =
        switch event {
        case .opened(let entries, let torn): "opened \(entries) \(torn)"
        case .flushed(let entries, let bytes): "flushed \(entries) \(bytes > 0)"
        case .compacted(let reason, let read, let written):
          "compacted \(reason) \(read > 0) \(written > 0)"
        case .backgroundFailure(let error): "failure \(error.code)"
        case .uploaded, .evicted: "bucket"
        case .writeDelayed: "delayed"
        }
      events.withLock { $0.append(text) }
    }
    try kind.withStores(options: options) { open in
      var store = try open()
      let keyspace = try store.keyspace("k")
      for key in 0..<5 { try keyspace.put("key \(key)", "value") }
      try store.close()
      store = try open()
      try store.flush()
      try store.flush()
      try store.existingKeyspace("k")?.delete("key 1")
      try store.compact()
      try store.close()
    }
    #expect(
      events.withLock { $0 } == [
        "opened 0 0", "opened 6 0", "flushed 6 true", "flushed 1 true",
        "compacted manual true true",
      ])
  }

  @Test func aTornTailIsTold() throws {
    let system = SimulatedFileSystem()
    let torn = Monitor<[UInt64]>([])
    func open(_ system: SimulatedFileSystem) throws -> SegmentStore {
      var options = StoreOptions.small
      options.onEvent = { event in
        if case .opened(_, let bytes) = event { torn.withLock { $0.append(bytes) } }
      }
      return try SegmentStore.open(
        at: "store", options: options,
        components: StoreComponents(
          fileSystem: system, clock: SimulatedClock(), random: SimulatedRandom(seed: 7),
          background: .inline))
    }
    let store = try open(system)
    try store.keyspace("k").put("durable", "1")
    try store.keyspace("k").put(
      "not durable", [UInt8](repeating: 1, count: 900), durability: .buffered)
    let image = system.crashImage(.tornGarbage, seed: 3)
    let again = try open(image)
    #expect(try again.existingKeyspace("k")?.contains("durable") == true)
    try again.close()
    try store.close()
    #expect(torn.withLock { $0.count } == 2)
  }
}
