import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Calls that fail while a store is at work: what was acknowledged stays, what failed is said, and
/// opening again recovers. Numbers are those of the list in README.md.
@Suite struct FaultBehaviourTests {
  // 59
  @Test(arguments: FailedSync.allCases, [Fault(.sync, "log-"), Fault(.write, "log-")])
  func aFailedLogStopsWritesAndNotReads(_ behaviour: FailedSync, _ fault: Fault) throws {
    let (tested, disk) = try TestedStore.simulated()
    disk.setFailedSync(behaviour)
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(20, to: store)
    let snapshot = try store.snapshot()
    disk.inject(fault)
    let error = try storeFailure { try store.put("failed", [1]) }
    #expect(error?.code == .poisoned)
    #expect(error?.file == (try tested.names(.log).last))
    disk.clearFaults()
    // Nothing else goes in, however little it asks for, though the disk is well again.
    for act in [
      { try store.put("later", [1], .buffered) }, { try store.put("later", [1]) },
      { try store.sync() }, { try store.flush() }, { try store.compact() },
      { _ = try store.keyspace("later") },
    ] {
      #expect(try storeFailure(act)?.code == .poisoned)
    }
    #expect(try store.content() == entries.content)
    withExtendedLifetime(snapshot) {}
    #expect(try storeFailure { try store.close() }?.code == .poisoned)
    let found = try tested.reopenedContent()
    // Whether the write that failed is there is unknown; nothing after it is.
    #expect(found == entries.content || found.filter { $0.key != "failed" } == entries.content)
    #expect(found["later"] == nil)
    #expect(disk.leaks.isEmpty, "\(disk.leaks)")
  }

  /// Nor does what the background had decided to append before: it would stand behind a record whose
  /// sequence numbers were never used, and nobody could open the store.
  @Test(arguments: FailedSync.allCases)
  func noWatermarkFollowsAFailedSync(_ behaviour: FailedSync) throws {
    let (tested, disk) = try TestedStore.simulated()
    disk.setFailedSync(behaviour)
    let store = try tested.open()
    try store.put("first", [1])
    disk.inject(Fault(.sync, "log-"))
    #expect(try storeFailure { try store.put("failed", [2]) }?.code == .poisoned)
    disk.clearFaults()
    #expect(try storeFailure { try store.engine.appendWatermark() }?.code == .poisoned)
    let image = try TestedStore.afterCrash(of: disk, .everything)
    #expect(try image.reopenedContent()["first"] == [1])
    #expect(try storeFailure { try store.close() }?.code == .poisoned)
    #expect(try tested.reopenedContent()["first"] == [1])
  }

  // 47, 60
  @Test(arguments: [
    Fault(.write, "manifest-"), Fault(.sync, "manifest-"), Fault(.rename, "manifest-"),
    Fault(.create, "manifest-"), Fault(.reserve, "manifest-"), Fault(.syncDirectory, occurrence: 1),
    Fault(.syncDirectory, occurrence: 2),
  ])
  func aFailedManifestRemovesNeitherOldFilesNorNew(_ fault: Fault) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    for _ in 0..<3 {
      try entries.write(20, to: store)
      try store.flush()
    }
    let before = try tested.files()
    disk.inject(fault)
    let error = try #require(try storeFailure { try store.compact() })
    disk.clearFaults()
    for (name, bytes) in before where FileName(parsing: name)?.kind == .segment {
      let isKept = try tested.bytes(name) == bytes
      #expect(isKept, "\(name)")
    }
    #expect(try store.content() == entries.content)
    // What stands in the cache, and each thing a power cut could leave, must open.
    for mode in CrashMode.allCases {
      let image = try TestedStore.afterCrash(of: disk, mode, seed: 4)
      #expect(try image.reopenedContent() == entries.content, "\(mode) after \(error)")
    }
    if error.code != .poisoned { try store.compact() }
    let isPoisoned = store.engine.log.failure != nil
    #expect(try (storeFailure { try store.close() }?.code == .poisoned) == isPoisoned)
    #expect(try tested.reopenedContent() == entries.content)
    #expect(try tested.findings().isEmpty)
  }

  // 47, 60: the same where the manifest is that of a flush, so that logs are at stake.
  @Test(arguments: 1...4)
  func aFailedDirectorySyncOfAFlushCostsNoLog(occurrence: Int) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(20, to: store)
    try store.put("large", [UInt8](repeating: 7, count: 5_000), .buffered)
    try store.sync()
    disk.inject(Fault(.syncDirectory, occurrence: occurrence))
    _ = try storeFailure { try store.flush() }
    disk.clearFaults()
    _ = try storeFailure { try store.flush() }
    var content = entries.content
    content["large"] = [UInt8](repeating: 7, count: 5_000)
    #expect(try store.content() == content)
    for mode in CrashMode.allCases {
      let image = try TestedStore.afterCrash(of: disk, mode, seed: 4)
      #expect(try image.reopenedContent() == content, "\(mode)")
    }
    let isPoisoned = store.engine.log.failure != nil
    #expect(try (storeFailure { try store.close() }?.code == .poisoned) == isPoisoned)
    #expect(try tested.reopenedContent() == content)
  }

  /// What a commit that failed would have named is forgotten with its files.
  @Test func aCommitThatFailsLeavesNothingOfItsValueFilesBehind() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let values = try ValuesMostlyGarbage(in: store)
    // So little that it is kept inline until the flush puts it into a value file.
    let inline = [UInt8](repeating: 7, count: 5_000)
    for act in [{ _ = try store.engine.compactOnce() }, { try store.flush() }] {
      let files = try tested.names(.values)
      let known = store.engine.values.store.numbers
      let handles = store.engine.versions.valueFileCount
      disk.inject(Fault(.write, "manifest-", lasts: .forGood))
      for _ in 0..<3 { #expect(try storeFailure(act) != nil) }
      disk.clearFaults()
      #expect(try tested.names(.values) == files)
      #expect(store.engine.values.store.numbers == known)
      #expect(store.engine.versions.valueFileCount == handles)
      try act()
      #expect(try tested.names(.values) != files)
      #expect(try values.keyspace.value(for: values.liveKeys[0]) == values.live[0])
      try values.keyspace.put("inline", inline)
    }
    try store.flush()
    #expect(try values.keyspace.value(for: "inline") == inline)
    try store.close()
  }

  // 61
  @Test func aFailedCloseOfALogIsReportedAndCostsNothing() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.fillLogs(2, of: tested, store)
    disk.inject(Fault(.close, "log-", lasts: .forGood))
    #expect(try storeFailure { try store.close() } != nil)
    disk.clearFaults()
    #expect(try tested.reopenedContent() == entries.content)
  }

  // 62
  @Test(arguments: 1...3)
  func aFailedSyncOfOneOfSeveralLogsStopsTheStore(occurrence: Int) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(3, to: store)
    try entries.fillLogs(3, of: tested, store, .buffered)
    disk.inject(Fault(.sync, "log-", occurrence: occurrence))
    #expect(try storeFailure { try store.sync() }?.code == .poisoned)
    disk.clearFaults()
    #expect(try storeFailure { try store.sync() }?.code == .poisoned)
    #expect(try store.content() == entries.content)
    for mode in CrashMode.allCases {
      let image = try TestedStore.afterCrash(of: disk, mode, seed: 8)
      let count = try #require(entries.prefix(try image.reopenedContent()), "\(mode)")
      #expect(count >= 3)
    }
    #expect(try storeFailure { try store.close() }?.code == .poisoned)
    #expect(try tested.reopenedContent() == entries.content)
  }

  // 63
  @Test func aDirectoryThatMayNotBeWrittenToFailsWritesUntilItMay() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("before", [1])
    try store.flush()
    for operation in [FileSystemError.Operation.create, .rename, .remove] {
      disk.inject(Fault(operation, effect: .error(.permission), lasts: .forGood))
    }
    var entries = NumberedEntries()
    let error = try storeFailure { for _ in 0..<5_000 { try entries.write(1, to: store) } }
    #expect(error?.code == .inputOutput)
    #expect(error?.message.contains("not permitted") == true)
    #expect(try storeFailure { try store.flush() }?.code == .inputOutput)
    #expect(try store.content().count == entries.count + 1)
    disk.clearFaults()
    try entries.write(200, to: store)
    try store.flush()
    try store.close()
    #expect(try tested.reopenedContent().count == entries.count + 1)
  }

  // 65
  @Test(arguments: [
    Fault(.create, "segment-"), Fault(.write, "segment-"), Fault(.sync, "segment-"),
    Fault(.write, "segment-", effect: .partial(100, .device)), Fault(.create, "log-"),
    Fault(.sync, "log-"), Fault(.reserve, "log-"),
  ])
  func aFileThatCannotBePreparedFailsTheFlushAndNothingElse(_ fault: Fault) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(20, to: store)
    disk.inject(fault)
    let error = try #require(try storeFailure { try store.flush() })
    #expect(error.code == .inputOutput)
    #expect(try store.content() == entries.content)
    let image = try TestedStore.afterCrash(of: disk, .durableOnly)
    #expect(try image.reopenedContent() == entries.content)
    try entries.write(5, to: store)
    try store.flush()
    #expect(try tested.names(.segment).count == 1)
    try store.close()
    #expect(try tested.reopenedContent() == entries.content)
    #expect(try tested.findings().isEmpty)
  }

  /// Values are made durable with the log that points to them, or not at all.
  @Test(arguments: [Fault(.sync, "values-"), Fault(.syncDirectory, "store")])
  func aFailedSyncOfAValueFileStopsWritesAndNeverBecomesAManifest(_ fault: Fault) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("small", [1])
    try store.put("large", [UInt8](repeating: 7, count: 5_000), .buffered)
    disk.inject(fault)
    #expect(try storeFailure { try store.sync() }?.code == .poisoned)
    disk.clearFaults()
    #expect(try storeFailure { try store.flush() }?.code == .poisoned)
    #expect(throws: StoreError.self) {
      try store.engine.alone { () throws(StoreError) in try store.engine.freezeMemTable() }
      while try store.engine.flushFrozen() {}
    }
    #expect(try store.content().count == 2)
    for mode in CrashMode.allCases {
      let image = try TestedStore.afterCrash(of: disk, mode, seed: 8)
      let content = try image.reopenedContent()
      #expect(content["small"] == [1])
      let large = content["large"]
      #expect(large == nil || large == [UInt8](repeating: 7, count: 5_000), "\(mode)")
    }
  }

  /// The entries of a directory are everybody's: whoever fails to sync it may have lost another's.
  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func aDirectorySyncThatFailsForALogIsNotForgottenByAValueFile(seed: UInt64) throws {
    let disk = SimulatedFileSystem(seed: seed)
    let tested = try TestedStore(disk, "store")
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(1, to: store)
    let large = [UInt8](repeating: 7, count: 5_000)
    try store.put("large", large, .buffered)
    disk.inject(Fault(.syncDirectory, "store"))
    // Some put needs the next log.
    let failure = try storeFailure { try entries.write(100, to: store, .buffered) }
    #expect(failure != nil)
    disk.clearFaults()
    let isSynced = try storeFailure { try store.sync() } == nil
    let crashed = try TestedStore.afterCrash(of: disk, .durableOnly)
    let content = try crashed.reopenedContent()
    let isThere = content["large"] == large
    #expect(isThere || !isSynced)
    #expect(content[NumberedEntries.key(0)] == NumberedEntries.value(0))
    #expect(try store.content().count == entries.count + 1)
  }
}
