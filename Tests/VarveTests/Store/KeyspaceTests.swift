import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

@Suite struct StoreKeyspaceTests {
  @Test(arguments: StoreSetting.allCases)
  func keyspacesAreApartListedAndThereAfterReopening(in setting: StoreSetting) throws {
    try setting.withStores { open in
      var store = try open()
      let names = ["zebra", "alpha", "Ω, ärger 🎻", "a b", String(repeating: "n", count: 255)]
      for (index, name) in names.enumerated() {
        try store.keyspace(name).put("key", "value \(index)")
      }
      try store.keyspace("default").put("key", "of the default")
      for round in 0..<3 {
        #expect(store.keyspaces.map(\.name) == (names + ["default"]).sorted())
        for (index, name) in names.enumerated() {
          let keyspace = try #require(try store.existingKeyspace(name), "round \(round)")
          #expect(try keyspace.entries() == [KeyValue("key", "value \(index)")])
          #expect(try store.keyspace(name) === keyspace)
        }
        #expect(try store.existingKeyspace("absent") == nil)
        #expect(store.metrics().keyspaces == 6)
        if round == 1 { try store.compact() }
        try store.close()
        store = try open()
      }
      try store.close()
    }
  }

  /// Swift holds these strings to be equal; the records of the keyspaces have two keys.
  @Test(arguments: StoreSetting.allCases)
  func namesThatUnicodeCallsEquivalentAreTwo(in setting: StoreSetting) throws {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
    #expect(composed == decomposed)
    try setting.withStores { open in
      var store = try open()
      try store.keyspace(composed).put("key", "of one")
      #expect(throws: StoreError.self) { try store.dropKeyspace(decomposed) }
      try store.keyspace(decomposed).put("key", "of the other")
      for _ in 0..<2 {
        #expect(
          store.keyspaces.map { Array($0.name.utf8) }
            == [decomposed, composed, "default"].map { Array($0.utf8) })
        let found = try [composed, decomposed].map { try store.existingKeyspace($0)?.entries() }
        #expect(found == [[KeyValue("key", "of one")], [KeyValue("key", "of the other")]])
        try store.compact()
        try store.close()
        store = try open()
      }
      try store.dropKeyspace(decomposed)
      try store.close()
      store = try open()
      #expect(try store.existingKeyspace(decomposed) == nil)
      #expect(try store.existingKeyspace(composed)?.entries() == [KeyValue("key", "of one")])
      try store.close()
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aPolicyIsKeptAsItWasWhenTheKeyspaceWasMade(in setting: StoreSetting) throws {
    var policies: [KeyspacePolicy] = [.default, .vectors(of: Float.self, dimension: 384)]
    for compression in [Compression.none, .lz4, .zstd(level: 9)] {
      var policy = KeyspacePolicy()
      policy.compression = compression
      policy.timeToLiveMilliseconds = 86_400_000
      policy.largeValueBytes = 64
      policy.blockBytes = 64 << 10
      policy.filterBitsPerKey = 0
      policies.append(policy)
    }
    try setting.withStores { open in
      let store = try open()
      for (index, policy) in policies.enumerated() {
        #expect(try store.keyspace("k\(index)", policy).policy == policy)
      }
      try store.close()
      let again = try open()
      for (index, policy) in policies.enumerated() {
        let keyspace = try #require(try again.existingKeyspace("k\(index)"))
        // 65,535 bytes are the most a block has.
        var stored = policy
        stored.blockBytes = min(policy.blockBytes, Limits.blockBytes)
        #expect(keyspace.policy == stored)
        // Asked for with another, it stays as it is.
        #expect(try again.keyspace("k\(index)", .default).policy == stored)
      }
      try again.close()
    }
  }

  @Test func policiesAndNamesThatCannotBeMeantAreRefused() throws {
    try FileSystemKind.simulated.withStores { open in
      let store = try open()
      var wrong = KeyspacePolicy()
      wrong.blockBytes = 1_000
      wrong.valueAlignment = 24
      wrong.largeValueBytes = 10
      wrong.filterBitsPerKey = 33
      wrong.timeToLiveMilliseconds = 0
      do throws(StoreError) {
        _ = try store.keyspace("k", wrong)
        Issue.record("taken")
      } catch {
        #expect(error.code == .invalid)
        for name in ["blockBytes", "valueAlignment", "largeValueBytes", "filterBits", "timeToLive"]
        {
          #expect(error.message.contains(name))
        }
      }
      for name in ["", String(repeating: "n", count: 256), String(repeating: "ä", count: 128)] {
        #expect(code { _ = try store.keyspace(name) } == .limit)
        #expect(try store.existingKeyspace(name) == nil)
      }
      #expect(code { try store.dropKeyspace("absent") } == .notFound)
      #expect(code { try store.dropKeyspace("default") } == .invalid)
      #expect(store.keyspaces.map(\.name) == ["default"])
      try store.close()
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aDroppedKeyspaceIsGoneAtOnceAndFromTheDiskInTime(in setting: StoreSetting) throws {
    try setting.withStores { open in
      var store = try open()
      var random = SeededRandom(seed: 10)
      for name in ["a", "b"] {
        let keyspace = try store.keyspace(name)
        for key in 0..<200 {
          try keyspace.put(
            "key \(key)", random.bytes(key % 20 == 0 ? 20_000 : 300), durability: .buffered)
        }
        try store.flush()
      }
      let dropped = try store.keyspace("b")
      let before = try DirectoryCount(store).dataBytes
      try store.dropKeyspace("b")
      #expect(code { try dropped.put("key 1", "1") } == .notFound)
      #expect(code { try dropped.delete("key 1") } == .notFound)
      #expect(code { _ = try dropped.value(for: "key 1") } == .notFound)
      #expect(code { _ = try dropped.values(for: ["key 1"]) } == .notFound)
      #expect(code { _ = try dropped.approximateSize() } == .notFound)
      #expect(code { try store.dropKeyspace("b") } == .notFound)
      try store.compact()
      let after = try DirectoryCount(store).dataBytes
      #expect(after < before * 11 / 20, "\(before) bytes, then \(after)")
      try store.close()
      store = try open()
      #expect(try store.existingKeyspace("b") == nil)
      #expect(try store.existingKeyspace("a")?.entries().count == 200)
      try store.close()
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aKeyspaceMadeAgainIsEmptyAndItsNumberNew(in setting: StoreSetting) throws {
    try setting.withStores { open in
      var store = try open()
      var numbers: Set<UInt32> = [0]
      for round in 0..<12 {
        let keyspace = try store.keyspace("k")
        #expect(try keyspace.entries().isEmpty, "round \(round)")
        #expect(numbers.insert(keyspace.number).inserted, "round \(round)")
        try keyspace.put("key", "round \(round)")
        // Dropped while in the memtable, in a segment, and in one that was compacted; the newest
        // number of all may be the dropped one.
        if round % 3 == 1 { try store.flush() }
        if round % 3 == 2 { try store.compact() }
        try store.dropKeyspace("k")
        if round % 4 > 1 { try store.compact() }
        if round % 2 == 1 {
          try store.close()
          store = try open()
        }
      }
      try store.close()
    }
  }

  /// One entry in each of ten thousand keyspaces, and as many in one: measured by files, bytes and
  /// calls, not by time.
  @Test func tenThousandKeyspacesCostAboutWhatOneCosts() throws {
    func measure(keyspaces: Int) throws -> (files: DirectoryCount, opening: CallCounts) {
      let system = SimulatedFileSystem()
      var store = try CrashWorkload.open(system)
      for number in 0..<keyspaces { _ = try store.keyspace("keyspace \(number)") }
      let handles = store.keyspaces.filter { $0.name != "default" }
      var batch = WriteBatch()
      for entry in 0..<10_000 {
        batch.put("key \(entry)", "a value of the usual length", in: handles[entry % keyspaces])
      }
      try store.commit(batch)
      try store.compact()
      let files = try DirectoryCount(store)
      try store.close()
      let before = system.counts
      store = try CrashWorkload.open(system)
      var opening = system.counts
      for (operation, count) in before.calls { opening.calls[operation]? -= count }
      opening.bytesRead -= before.bytesRead
      #expect(store.keyspaces.count == keyspaces + 1)
      #expect(try store.existingKeyspace("keyspace 0")?.entries().count == 10_000 / keyspaces)
      try store.close()
      return (files, opening)
    }
    let one = try measure(keyspaces: 1)
    let many = try measure(keyspaces: 10_000)
    #expect(many.files.segments == one.files.segments)
    #expect(many.files.valueFiles == one.files.valueFiles)
    // A record of its name and policy for each, about fifty bytes.
    #expect(many.files.dataBytes < one.files.dataBytes + 10_000 * 64)
    #expect(many.opening.total <= one.opening.total + 4)
    #expect(many.opening.bytesRead < one.opening.bytesRead + 10_000 * 64)
  }

  @Test(arguments: StoreSetting.allCases)
  func keyspacesOfDifferentPoliciesShareASegmentEachByItsOwn(in setting: StoreSetting) throws {
    try setting.withStore { store in
      var none = KeyspacePolicy()
      none.filterBitsPerKey = 0
      var many = KeyspacePolicy()
      many.filterBitsPerKey = 20
      // The first keyspace of the segment asks for no filter; the others get theirs all the same.
      let keyspaces = [
        try store.keyspace("a", none), try store.keyspace("b"), try store.keyspace("c", many),
      ]
      for keyspace in keyspaces {
        for key in 0..<500 where key % 2 == 0 {
          try keyspace.put(UInt64(key), "value", durability: .buffered)
        }
      }
      try store.compact()
      let handles = store.engine.versions.current.levels.flatMap(\.segments)
      let segment = try #require(handles.first).reader
      #expect(handles.count == 1)
      var passed = 0
      for keyspace in keyspaces {
        for key in 0..<500 as Range<UInt64> {
          let engineKey = key.withKeyBytes { EngineKey.array(keyspace: keyspace.number, key: $0) }
          let hash = engineKey.withByteView(XXH64.hash(of:))
          let mayContain = try segment.open().mayContain(hash)
          if key % 2 == 0, !mayContain { Issue.record("\(keyspace.name): \(key) is denied") }
          if key % 2 == 1, mayContain { passed += 1 }
        }
      }
      #expect(passed <= 2, "\(passed) of 750 absent keys pass 20 bits a key")
    }
  }
}
