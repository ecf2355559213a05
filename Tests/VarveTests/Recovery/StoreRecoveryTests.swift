import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What a recovery makes of much, of values in files that grew, and of what went wrong before.
@Suite struct StoreRecoveryTests {
  /// More than one run of a small budget; keyspaces come, are filled, and go in between.
  @Test func whatDoesNotFitOneRunIsRecoveredRunByRun() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var policy = KeyspacePolicy()
    policy.valueBytes = 64
    policy.valueAlignment = 64
    var random = SeededRandom(seed: 3)
    var content: [String: TestedStore.Content] = [:]
    for round in 0..<8 {
      let name = "keyspace \(round % 3)"
      let keyspace = try store.keyspace(name, policy)
      for _ in 0..<8 {
        var batch = WriteBatch()
        for _ in 0..<600 {
          let (key, value) = ("\(random.below(4_000))", random.bytes(64))
          batch.put(key, value, in: keyspace)
          content[name, default: [:]][key] = value
        }
        try store.commit(batch, durability: .buffered)
      }
      if round == 4 {
        try store.dropKeyspace("keyspace 0")
        content["keyspace 0"] = nil
      }
    }
    let image = try TestedStore.afterCrash(of: disk, .everything)
    let recovered = try image.open()
    #expect(recovered.engine.versions.current.levelZero.count > 1)
    #expect(image.lastOpening?.entries ?? 0 > 8 * 8 * 600)
    #expect(Set(recovered.keyspaces.map(\.name)) == Set(content.keys).union(["default"]))
    for (name, expected) in content {
      var found: TestedStore.Content = [:]
      try recovered.keyspace(name, policy).forEach {
        found[String(copying: $0)] = [UInt8](copying: $1)
      }
      let isSame = found == expected
      #expect(isSame, "\(name)")
    }
    try recovered.close()
    #expect(try image.findings().filter { $0.severity == .damage }.isEmpty)
  }

  /// Each thread writes a part, in a store that has threads.
  @Test(arguments: FileSystemKind.allCases)
  func muchIsRecoveredByTwoThreads(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      var content: TestedStore.Content = [:]
      var random = SeededRandom(seed: 5)
      do {
        let store = try tested.open { $0.memoryBudget = 256 << 20 }
        for _ in 0..<12 {
          var batch = WriteBatch()
          for _ in 0..<1_000 {
            let (key, value) = ("\(random.below(9_000))", random.bytes(900))
            batch.put(key, value, in: try store.main())
            content[key] = value
          }
          try store.commit(batch, durability: .buffered)
        }
      }
      let recovered = try tested.open(.threads) { $0.memoryBudget = 256 << 20 }
      #expect(tested.lastOpening?.entries == 12_000)
      let isSame = try recovered.content() == content
      #expect(isSame)
      try recovered.close()
      // What was left over is gone at the latest when the store is closed.
      #expect(try tested.names(.log).isEmpty)
      #expect(try tested.findings().isEmpty)
    }
  }

  /// Files are synced while they grow; the system tells of what it lost once, whoever syncs then.
  @Test(arguments: [
    (Fault(.sync, "values-"), 4_000), (Fault(.sync, "segment-"), 900),
    (Fault(.sync, "segment-"), 4_000),
  ])
  func aSyncThatFailsOnTheWayIsNotForgottenAtTheEnd(_ fault: Fault, valueBytes: Int) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open { $0.memoryBudget = 256 << 20 }
    var content: TestedStore.Content = [:]
    var random = SeededRandom(seed: 6)
    for index in 0..<6_000_000 / valueBytes {
      content["\(index)"] = random.bytes(valueBytes)
      try store.put("\(index)", content["\(index)"] ?? [], .buffered)
    }
    try store.sync()
    let image = disk.crashImage(.durableOnly)
    let crashed = try TestedStore(image, "store")
    image.inject(fault)
    let error = try storeFailure {
      _ = try crashed.open(.threads) { $0.memoryBudget = 256 << 20 }
    }
    #expect(error != nil)
    image.clearFaults()
    let isThere = try TestedStore.afterCrash(of: image, .durableOnly).reopenedContent() == content
    #expect(isThere)
  }

  /// Values and their segment go again, whichever of them fails, written by one thread or by two.
  @Test(
    arguments: [Fault(.write, "segment-"), Fault(.write, "values-")],
    [StoreComponents.Background.none, .threads])
  func nothingIsLeftOfARecoveryThatFails(
    _ fault: Fault, _ background: StoreComponents.Background
  ) throws {
    let (tested, disk) = try TestedStore.simulated()
    let content = try Self.writeLarge(try tested.open())
    let image = disk.crashImage(.durableOnly)
    let crashed = try TestedStore(image, "store")
    let before = try crashed.directory.names().filter { $0 != "lock" }.sorted()
    image.inject(fault)
    #expect(try storeFailure { _ = try crashed.open(background) } != nil)
    image.clearFaults()
    #expect(try crashed.directory.names().filter { $0 != "lock" }.sorted() == before)
    #expect(try crashed.reopenedContent() == content)
  }

  /// Large values in a growing file, some of them overwritten.
  private static func writeLarge(_ store: SegmentStore) throws -> TestedStore.Content {
    var content: TestedStore.Content = [:]
    var random = SeededRandom(seed: 8)
    for round in 0..<60 {
      let (key, value) = ("\(round % 40)", random.bytes(2_000 + round * 100))
      try store.put(key, value, .buffered)
      content[key] = value
    }
    try store.sync()
    try store.put("last", [1])
    content["last"] = [1]
    return content
  }

  @Test(arguments: [StoreOptions.ReadMode.mapped, .buffered])
  func valuesOfAGrowingFileAreWrittenAgain(_ mode: StoreOptions.ReadMode) throws {
    let (tested, disk) = try TestedStore.simulated()
    let content = try Self.writeLarge(try tested.open())
    let image = try TestedStore.afterCrash(of: disk, .durableOnly)
    let before = try image.names(.values)
    // Who may only read leaves everything as it is, and finds the same.
    let reader = try image.open {
      $0.access = .readOnly
      $0.readMode = mode
    }
    #expect(try reader.content() == content)
    try reader.close()
    #expect(try image.names(.values) == before)
    let recovered = try image.open { $0.readMode = mode }
    #expect(try recovered.content() == content)
    try recovered.close()
    #expect(Set(try image.names(.values)).isDisjoint(with: before))
    #expect(try image.findings().isEmpty)
    #expect(try image.reopenedContent() == content)
  }

  /// A value that was durable and that nobody can read any more may be damaged; one that is still
  /// read may not.
  @Test func damageToADurableValueCountsWhereTheValueDoes() throws {
    let (tested, disk) = try TestedStore.simulated()
    let content = try Self.writeLarge(try tested.open())
    for (offset, isRead) in [(64 + 32 + 500, false), (64 + 32 + 50 * 4_000, true)] {
      let image = try TestedStore.afterCrash(of: disk, .durableOnly)
      let name = try #require(try image.names(.values).first)
      try image.flip(name, at: offset)
      if isRead {
        let before = try image.files()
        let error = try storeFailure { _ = try image.open() }
        #expect(error?.code == .corrupted)
        #expect(error?.file == name)
        #expect(try image.files().filter { before[$0.key] == nil }.isEmpty)
      } else {
        #expect(try image.reopenedContent() == content)
      }
    }
  }

  @Test func aValueFileThatIsGoneIsNamed() throws {
    let (tested, disk) = try TestedStore.simulated()
    _ = try Self.writeLarge(try tested.open())
    let image = try TestedStore.afterCrash(of: disk, .durableOnly)
    let name = try #require(try image.names(.values).first)
    try image.directory.remove(name)
    let error = try storeFailure { _ = try image.open() }
    #expect(error?.code == .corrupted)
    #expect(error?.file == name)
  }

  /// What the logs say of keyspaces is known before the first entry is written: which are gone, and
  /// from which size values have a place of their own.
  @Test func entriesAreWrittenAsTheirKeyspacesAre() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let gone = try store.keyspace("gone")
    var policy = KeyspacePolicy()
    policy.largeValueBytes = 4096
    let kept = try store.keyspace("kept", policy)
    for index in 0..<50 {
      var batch = WriteBatch()
      batch.put("\(index)", [1], in: gone)
      batch.put("\(index)", [UInt8](repeating: 2, count: 2000), in: kept)
      try store.commit(batch, durability: .buffered)
    }
    try store.dropKeyspace("gone")
    let image = try TestedStore.afterCrash(of: disk, .everything)
    let recovered = try image.open()
    let segments = recovered.engine.versions.current.manifest.segments
    // Those of the keyspaces are few.
    #expect((50..<60).contains(segments.reduce(0) { $0 + $1.entryCount }))
    // By default such a value is large.
    #expect(try image.names(.values).isEmpty)
    #expect(try recovered.keyspace("kept", policy).entries().count == 50)
  }

  /// A file whose every value had been overwritten is not kept for nobody.
  @Test func aFileOfOverwrittenValuesIsNotKept() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("key", [UInt8](repeating: 1, count: 5_000), .buffered)
    try store.put("key", [2])
    let image = try TestedStore.afterCrash(of: disk, .everything)
    #expect(try image.reopenedContent() == ["key": [2]])
    #expect(try image.names(.values).isEmpty)
    #expect(try image.findings().isEmpty)
  }

  /// Not being able to read a value is not the same as its not being there: nothing acknowledged is
  /// taken for a torn tail because a call failed once.
  @Test(arguments: [
    (StoreOptions.Access.readWrite, Fault(.open, "values-", effect: .error(.tooManyOpen))),
    (.readWrite, Fault(.status, "values-")), (.readWrite, Fault(.read, "values-")),
    (.readWrite, Fault(.read, "values-", occurrence: 2)),
    (.readOnly, Fault(.open, "values-", effect: .error(.permission))),
    (.readOnly, Fault(.read, "values-")),
  ])
  func aValueThatCannotBeReadAtTheMomentIsNotGivenUp(
    _ access: StoreOptions.Access, _ fault: Fault
  ) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var random = SeededRandom(seed: 4)
    let large = random.bytes(100_000)
    try store.put("large", large)
    let image = disk.crashImage(.everything)
    let crashed = try TestedStore(image, "store")
    let before = try crashed.files()
    image.inject(fault)
    let error = try storeFailure { _ = try crashed.open { $0.access = access } }
    #expect(error?.code == .inputOutput)
    #expect(error?.file?.hasPrefix("values-") == true)
    // What to do is said, for where it stays so.
    #expect(error?.message.contains("copy") == true, "\(String(describing: error))")
    image.clearFaults()
    let isUntouched = try crashed.files() == before
    #expect(isUntouched)
    let isThere = try crashed.reopenedContent() == ["large": large]
    #expect(isThere)
    #expect(try crashed.findings().isEmpty)
  }

  /// A manifest may say more than the logs hold: what is written next is newer than both.
  @Test(arguments: [StoreOptions.Access.readWrite, .readOnly], [true, false])
  func theLastSequenceNumberIsNeverLowered(_ access: StoreOptions.Access, isClosed: Bool) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    for round in 1...5 as ClosedRange<UInt8> { try store.put("key", [round]) }
    if isClosed { try store.close() }
    let image = try TestedStore.afterCrash(of: disk, .everything)
    let name = try #require(try image.names(.manifest).last)
    var manifest = try image.bytes(name).withByteView { try Manifest(decoding: $0) }
    manifest.lastSequence = SequenceNumber(100)
    try image.replace(name, manifest.encoded())
    let again = try image.open { $0.access = access }
    #expect(again.engine.visible == SequenceNumber(100))
    #expect(again.engine.versions.current.manifest.lastSequence == SequenceNumber(100))
    #expect(try again.content() == ["key": [5]])
    if access == .readWrite { try again.put("key", [6]) }
    try again.close()
    #expect(try image.reopenedContent() == ["key": [access == .readWrite ? 6 : 5]])
  }
}
