import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What opening makes of the logs that a crash left. Numbers are those of the list in README.md.
@Suite struct RecoveryBehaviourTests {
  // 37
  @Test func logsOfALargeStoreAreRecoveredWithALittleMemory() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open { $0.memoryBudget = 64 << 20 }
    var random = SeededRandom(seed: 1)
    var content: TestedStore.Content = [:]
    for round in 0..<40 {
      var batch = WriteBatch()
      for index in 0..<100 {
        let (key, value) = ("\(random.below(3_000)) of \(index)", random.bytes(700))
        batch.put(key, value, in: try store.main())
        content[key] = value
      }
      try store.commit(batch, durability: round == 39 ? .synced : .buffered)
    }
    let image = try TestedStore.afterCrash(of: disk, .durableOnly)
    let recovered = try image.open()
    #expect(try recovered.content() == content)
    #expect(image.lastOpening?.entries == 4_000)
    #expect(try image.names(.log).isEmpty)
    let segments = recovered.engine.versions.current.manifest.segments
    #expect(segments.reduce(0) { $0 + $1.entryCount } > 3_000)
    try recovered.close()
    #expect(try image.reopenedContent() == content)
  }

  // 38
  @Test(arguments: [CrashMode.durableOnly, .everything, .prefix, .sectors, .tornGarbage])
  func severalLogsAreReplayedInTheirOrder(mode: CrashMode) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.fillLogs(4, of: tested, store)
    // The same keys again and again: only the right order ends with the last value.
    for round in 0..<30 { try store.put("key", [UInt8(round)]) }
    let image = try TestedStore.afterCrash(of: disk, mode, seed: 9)
    var content = entries.content
    content["key"] = [29]
    #expect(try image.reopenedContent() == content)
    #expect(try image.reopenedContent() == content)
  }

  // 38
  @Test func anOldLogThatCameBackIsNotReplayedAgain() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("key", [1])
    try store.put("gone", [1])
    let old = try #require(try tested.names(.log).first)
    let bytes = try tested.bytes(old)
    try store.put("key", [2])
    try store.main().delete("gone")
    try store.flush()
    try store.put("later", [3])
    let crashed = try TestedStore.afterCrash(of: disk, .durableOnly)
    try crashed.replace(old, bytes)
    #expect(try crashed.reopenedContent() == ["key": [2], "later": [3]])
    #expect(try !crashed.names(.log).contains(old))
    try store.close()
    try tested.replace(old, bytes)
    #expect(try tested.reopenedContent() == ["key": [2], "later": [3]])
    #expect(try !tested.names(.log).contains(old))
  }

  // 42
  @Test func aCrashAtAnyCallOfAFlushFindsTheWritesOfBothLogs() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(30, to: store)
    try store.engine.alone { () throws(StoreError) in try store.engine.freezeMemTable() }
    try entries.write(30, to: store)
    let content = entries.content
    let images = Monitor<[(Step, SimulatedFileSystem)]>([])
    disk.observeSteps { step in
      for mode in [CrashMode.durableOnly, .everything, .pages] {
        let image = disk.crashImage(mode, seed: UInt64(step.number))
        images.withLock { $0.append((step, image)) }
      }
    }
    while try store.engine.flushFrozen() {}
    disk.observeSteps(nil)
    let taken = images.withLock { $0 }
    #expect(taken.count > 15)
    for (step, image) in taken {
      let crashed = try TestedStore(image, "store")
      if try crashed.reopenedContent() != content { Issue.record("before \(step)") }
    }
    #expect(try store.content() == content)
  }

  // 43, 46, 54
  @Test func damageWhereNothingWasProvedEndsTheReplayForGood() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.fillLogs(3, of: tested, store, .buffered)
    let image = try TestedStore.afterCrash(of: disk, .everything)
    let first = try #require(try image.names(.log).first)
    let size = try image.bytes(first).count
    try image.flip(first, at: size / 2)
    let recovered = try image.open()
    let found = try #require(entries.prefix(try recovered.content()))
    #expect(found > 10 && found < entries.count / 2)
    // All that followed is counted as lost: the rest of this log and the whole of the later ones.
    let torn = try #require(image.lastOpening?.tornBytes)
    #expect(torn > UInt64((entries.count - found - 1) * 300), "\(torn)")
    #expect(image.lastOpening?.entries == found)
    // The later logs stay dropped, whatever is written in between.
    try recovered.put("after", [1])
    var content = NumberedEntries.content(found)
    content["after"] = [1]
    #expect(try recovered.content() == content)
    try recovered.close()
    for _ in 0..<2 {
      #expect(try image.reopenedContent() == content)
      #expect(image.lastOpening?.tornBytes == 0)
    }
  }

  // 43
  @Test func damageBelowWhatIsProvedRefusesAndNamesThePlace() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.fillLogs(2, of: tested, store)
    for (index, name) in try tested.names(.log).enumerated() {
      let image = try TestedStore.afterCrash(of: disk, .everything)
      let whole = try image.bytes(name)
      for place in [64, 100, index == 0 ? whole.count / 2 : 800] {
        var bytes = whole
        bytes[place] ^= 4
        try image.replace(name, bytes)
        let before = try image.files()
        for access in [StoreOptions.Access.readWrite, .readOnly] {
          let error = try storeFailure { _ = try image.open { $0.access = access } }
          #expect(error?.code == .corrupted)
          #expect(error?.file == name)
          // A record's checksum speaks for all of it: the place is where the record begins.
          let offset = try #require(error?.offset)
          #expect(offset <= UInt64(place) && UInt64(place) < offset + 1_000, "\(offset), \(place)")
        }
        #expect(try image.files() == before)
      }
      try image.replace(name, whole)
      #expect(try image.reopenedContent() == entries.content)
    }
  }

  // 51
  @Test(arguments: FileSystemKind.allCases)
  func aWriteAfterRecoveryIsNewerThanEverythingRecovered(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      for round in 0..<6 {
        let store = try tested.open()
        if round > 0 { #expect(try store.main().value(for: "key") == [UInt8(round - 1)]) }
        try store.put("key", [UInt8(round)])
        #expect(try store.main().value(for: "key") == [UInt8(round)])
        if round == 2 { try store.flush() }
        // Every other time the process just ends.
        if round % 2 == 0 { try store.close() }
      }
    }
  }

  // 55
  @Test func roomPreparedForLogsIsGivenBackByRecoveryAndByClosing() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open { $0.firstLogBytes = 1 << 20 }
    try store.put("key", [1])
    #expect(disk.usedBytes >= 1 << 20)
    let image = disk.crashImage(.durableOnly)
    let crashed = try TestedStore(image, "store")
    let recovered = try crashed.open()
    #expect(image.usedBytes < 64 << 10)
    try recovered.close()
    try store.close()
    #expect(disk.usedBytes < 64 << 10)
    #expect(try tested.reopenedContent() == ["key": [1]])
  }
}
