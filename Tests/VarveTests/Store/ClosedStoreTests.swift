import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What a store says that was closed, or that may only be read.
@Suite struct StoreClosedTests {
  @Test(arguments: StoreSetting.allCases)
  func everyCallOnAClosedStoreSaysSo(in setting: StoreSetting) throws {
    try setting.withStores { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      try keyspace.put("a", "1")
      try keyspace.put("large", [UInt8](repeating: 1, count: 100_000), durability: .buffered)
      let snapshot = try store.snapshot()
      var cursor = try keyspace.cursor()
      #expect(try cursor.next())
      var batch = WriteBatch()
      batch.put("b", "2", in: keyspace)
      try store.close()
      let calls: [(String, () throws -> Void)] = [
        ("keyspace", { _ = try store.keyspace("k") }),
        ("new keyspace", { _ = try store.keyspace("l") }),
        ("existingKeyspace", { _ = try store.existingKeyspace("k") }),
        ("dropKeyspace", { try store.dropKeyspace("k") }),
        ("commit", { try store.commit(batch) }),
        ("commit nothing", { try store.commit(WriteBatch()) }),
        ("sync", { try store.sync() }),
        ("snapshot", { _ = try store.snapshot() }),
        ("flush", { try store.flush() }),
        ("compact", { try store.compact() }),
        ("put", { try keyspace.put("a", "1") }),
        ("delete", { try keyspace.delete("a") }),
        ("value", { _ = try keyspace.value(for: "a") }),
        ("withValue", { _ = try keyspace.withValue(for: "a") { _ in } }),
        ("values", { _ = try keyspace.values(for: ["a"]) }),
        ("contains", { _ = try keyspace.contains("a") }),
        ("size", { _ = try keyspace.size(ofValueFor: "a") }),
        ("cursor", { _ = try keyspace.cursor() }),
        ("forEach", { try keyspace.forEach { _, _ in } }),
        ("approximateSize", { _ = try keyspace.approximateSize() }),
        ("snapshot value", { _ = try snapshot.value(for: "a", in: keyspace) }),
        ("snapshot withValue", { _ = try snapshot.withValue(for: "a", in: keyspace) { _ in } }),
        ("snapshot contains", { _ = try snapshot.contains("a", in: keyspace) }),
        ("snapshot cursor", { _ = try keyspace.cursor(at: snapshot) }),
      ]
      for (name, call) in calls { #expect(code(of: call) == .closed, "\(name)") }
      #expect(code { _ = try cursor.next() } == .closed)
      #expect(code { _ = try cursor.previous() } == .closed)
      #expect(code { _ = try cursor.seek(to: "a") } == .closed)
      // What was lent before stays readable while the cursor lives; closing again is no error.
      #expect(String(copying: cursor.key) == "a" && String(copying: cursor.value) == "1")
      try store.close()
      store.pauseCompaction()
      store.resumeCompaction()
      #expect(store.keyspaces.count == 2 && store.metrics().keyspaces == 2)
      _ = store.spaceNeededToCompact()
      let again = try open()
      #expect(try again.existingKeyspace("k")?.entries().count == 2)
      try again.close()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aStoreIsOpenedByOneWriterOrByReadersOnly(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, fileSystem, path in
      func open(_ access: StoreOptions.Access, creates: Bool = true) throws -> SegmentStore {
        var options = StoreOptions.small
        options.access = access
        options.createIfMissing = creates
        return try SegmentStore.open(
          at: path, options: options,
          components: StoreComponents(
            fileSystem: fileSystem, clock: SimulatedClock(), random: SimulatedRandom(seed: 1),
            background: .inline))
      }
      #expect(code { _ = try open(.readOnly) } == .notFound)
      #expect(code { _ = try open(.readWrite, creates: false) } == .notFound)
      let writer = try open(.readWrite)
      try writer.keyspace("k").put("a", "1")
      #expect(code { _ = try open(.readWrite) } == .locked)
      #expect(code { _ = try open(.readOnly) } == .locked)
      try writer.close()
      let before = try Self.files(in: directory)
      let readers = [try open(.readOnly), try open(.readOnly)]
      #expect(code { _ = try open(.readWrite) } == .locked)
      for reader in readers {
        let keyspace = try #require(try reader.existingKeyspace("k"))
        #expect(try keyspace.text("a") == "1")
        #expect(try reader.snapshot().value(for: "a", in: keyspace) != nil)
        for call in Self.writes(reader, keyspace) { #expect(code(of: call) == .readOnly) }
        try reader.close()
      }
      #expect(try Self.files(in: directory) == before)
      try open(.readWrite).close()
    }
  }

  private static func writes(
    _ store: SegmentStore, _ keyspace: Keyspace
  ) -> [() throws -> Void] {
    [
      { try keyspace.put("a", "2") }, { try keyspace.delete("a") }, { try store.sync() },
      { try store.flush() }, { try store.compact() }, { try store.dropKeyspace("k") },
      { _ = try store.keyspace("l") },
    ]
  }

  private static func files(in directory: any Directory) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try directory.names() { files[name] = try readAll(name, in: directory) }
    return files
  }

  @Test func optionsThatCannotBeMeantAreRefusedNamingEach() throws {
    var options = StoreOptions.small
    options.memoryBudget = 1 << 20
    options.segmentBytes = 1_000
    options.backgroundWriteRate = 10
    try FileSystemKind.simulated.withStores(options: options) { open in
      do {
        _ = try open()
        Issue.record("opened")
      } catch let error as StoreError {
        #expect(error.code == .invalid)
        for name in ["memoryBudget", "segmentBytes", "backgroundWriteRate"] {
          #expect(error.message.contains(name))
        }
      }
    }
  }

  @Test func theLargestNumbersForOptionsAreTakenOrRefused() throws {
    var options = StoreOptions.small
    options.segmentBytes = .max
    try FileSystemKind.simulated.withStores(options: options) { open in
      #expect(code { _ = try open() } == .invalid)
    }
    options.segmentBytes = 1 << 40
    options.backgroundWriteRate = .max
    options.memoryBudget = .max
    try FileSystemKind.simulated.withStores(options: options) { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      for round in 0..<2 {
        try keyspace.put("key \(round)", "value", expiresIn: .max)
        try store.flush()
      }
      try store.compact()
      _ = store.spaceNeededToCompact()
      #expect(try keyspace.entries().count == 2)
      try store.close()
    }
  }

  /// Opened and closed over and over, a store gathers no files.
  @Test(arguments: FileSystemKind.allCases)
  func reopeningAgainAndAgainDoesNotGrowTheDirectory(on kind: FileSystemKind) throws {
    try kind.withStores { open in
      var counts: [DirectoryCount] = []
      for round in 0..<40 {
        let store = try open()
        try store.keyspace("k").put("key", "round \(round)")
        counts.append(try DirectoryCount(store))
        try store.close()
      }
      #expect(counts.allSatisfy { $0.logs <= 11 && $0.segments <= 6 && $0.manifests == 1 })
      let store = try open()
      #expect(try store.existingKeyspace("k")?.text("key") == "round 39")
      try store.close()
    }
  }
}
