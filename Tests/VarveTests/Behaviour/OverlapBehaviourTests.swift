import Foundation
import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// One thing happening in the midst of another: what each promises holds all the same.
@Suite struct OverlapBehaviourTests {
  /// A value that no codec makes smaller.
  private static func value(_ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: 9)
    return random.bytes(count)
  }

  /// Another thread's value lands in the old file while that is being synced beside the new one.
  @Test func aValueWrittenWhileItsFileIsReplacedIsSynced() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let engine = store.engine
    let placement = ValuePlacement(
      directory: engine.directory, numbers: engine.numbers, random: engine.random,
      obsoleteFiles: engine.obsoleteFiles, values: engine.values.store, fileBytes: 4096)
    let first = FileName(.values, engine.numbers.upcoming).description
    var batch = WriteBatch()
    let value = Self.value(8000)
    batch.put("key", value, in: try store.main())
    let written = batch

    struct Course { var writes = 0, mayFinish = false, isDone = false }
    let course = Monitor(Course())
    disk.observeSteps { step in
      guard step.name.hasPrefix("values-") else { return }
      if step.operation == .write, step.name == first {
        // The second write of the file is that of the value; the first is the header's.
        let isValue = course.withLock { course in
          course.writes += 1
          return course.writes == 2
        }
        course.broadcast()
        if isValue { _ = course.wait { $0.mayFinish } }
      } else if step.operation == .sync, step.name != first {
        course.withLock { $0.mayFinish = true }
        course.broadcast()
        _ = course.wait { $0.isDone }
      }
    }
    let slow = try WorkerThread(name: "slow") {
      _ = try? placement.place(written, isSynced: false)
      course.withLock { $0.isDone = true }
      course.broadcast()
    }
    _ = course.wait { $0.writes == 2 }
    _ = try placement.place(written, isSynced: false)
    try placement.sync()
    slow.join()
    disk.observeSteps(nil)
    // The slow thread's commit asks for this one.
    try placement.sync()
    let durable = disk.crashImage(.durableOnly).contents()["store/\(first)"] ?? []
    let isThere = durable.count >= value.count && durable.suffix(value.count).elementsEqual(value)
    #expect(isThere)
    try store.close()
  }

  /// The names of the flush's files may be lost with a sync that somebody else asked for.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func aFlushUnderWayStopsWhenTheDirectoryFailsElsewhere(seed: UInt64) throws {
    let disk = SimulatedFileSystem(seed: seed)
    let tested = try TestedStore(disk, "store")
    let store = try tested.open()
    let engine = store.engine
    var entries = NumberedEntries()
    try entries.write(20, to: store)
    let isOver = Monitor(false)
    disk.observeSteps { [weak disk] step in
      guard step.operation == .sync, step.name.hasPrefix("segment-"),
        !isOver.withLock({ before in
          defer { before = true }
          return before
        })
      else { return }
      disk?.inject(Fault(.syncDirectory))
      // A commit that needs a new log meets the failure.
      try? engine.alone { () throws(StoreError) in try engine.freezeMemTable() }
    }
    #expect(try storeFailure { try store.flush() }?.code == .poisoned)
    disk.observeSteps(nil)
    #expect(try store.content() == entries.content)
    for mode in CrashMode.allCases {
      let image = try TestedStore.afterCrash(of: disk, mode, seed: seed)
      #expect(try image.reopenedContent() == entries.content, "\(mode)")
    }
    #expect(try storeFailure { try store.close() }?.code == .poisoned)
    #expect(try tested.reopenedContent() == entries.content)
  }

  /// The last process died between the rename of its manifest and the sync behind it.
  @Test(arguments: CrashMode.allCases)
  func openingRemovesNothingBeforeTheManifestItReadIsDurable(_ mode: CrashMode) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(20, to: store)
    try store.flush()
    try entries.write(5, to: store)
    disk.observeSteps { [weak disk] step in
      guard step.operation == .rename else { return }
      disk?.ignoringSync { call, _ in call == .syncDirectory }
      disk?.inject(Fault(.remove, lasts: .forGood))
    }
    try store.close()
    disk.observeSteps(nil)
    disk.ignoringSync { _, _ in false }
    disk.clearFaults()
    let again = try tested.open()
    let image = try TestedStore.afterCrash(of: disk, mode)
    #expect(try image.reopenedContent() == entries.content)
    try again.close()
  }

  /// A flush that waited for its turn while the store was closed comes too late.
  @Test func nothingIsFlushedOnceTheStoreWasLetGo() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let engine = store.engine
    var entries = NumberedEntries()
    try entries.write(20, to: store)
    try engine.alone { () throws(StoreError) in try engine.freezeMemTable() }
    disk.inject(Fault(.create, "segment-", effect: .error(.full), lasts: .forGood))
    #expect(try storeFailure { try store.close() }?.code == .full)
    disk.clearFaults()
    let other = try tested.open()
    #expect(try storeFailure { _ = try engine.flushFrozen() }?.code == .closed)
    #expect(try other.content() == entries.content)
    try other.close()
    #expect(try tested.reopenedContent() == entries.content)
  }

  /// A keyspace does not hold the store: who writes through it does not keep it from being dropped.
  @Test func aStoreThatIsDroppedWaitsForTheCommitUnderWay() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let (engine, keyspace) = (store.engine, try store.main())
    try keyspace.put("first", [1], durability: .buffered)
    struct Course { var dropper: WorkerThread?, isGone = false }
    let course = Monitor(Course())
    disk.observeSteps { step in
      guard step.operation == .write, step.name.hasPrefix("log-") else { return }
      let dropper = try? WorkerThread(name: "dropper") {
        engine.abandon()
        course.withLock { $0.isGone = true }
      }
      course.withLock { $0.dropper = dropper }
      Thread.sleep(forTimeInterval: 0.1)
      #expect(!course.withLock { $0.isGone })
    }
    try keyspace.put("second", [2], durability: .buffered)
    disk.observeSteps(nil)
    try #require(course.withLock { $0.dropper }).join()
    #expect(try storeFailure { try keyspace.put("third", [3]) }?.code == .closed)
    #expect(try tested.reopenedContent() == ["first": [1], "second": [2]])
  }

  @Test func aLogThatWasGivenUpDoesNotCallItselfSynced() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("key", [1], .buffered)
    store.engine.log.abandon()
    #expect(try storeFailure { try store.sync() }?.code == .closed)
    #expect(try storeFailure { try store.put("later", [1]) }?.code == .closed)
  }

  /// Who holds a value lent from a sealed file must not lose it to a flush that is tried again.
  @Test func aFlushThatIsTriedAgainLeavesTheReadersOfItsValueFilesAlone() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let value = Self.value(5000)
    try store.put("large", value, .buffered)
    disk.inject(Fault(.create, "manifest-", effect: .error(.full)))
    #expect(try storeFailure { try store.flush() }?.code == .full)
    let file = try #require(store.engine.values.store.numbers.first)
    var cursor = try store.main().cursor()
    #expect(try cursor.next())
    let reader = try #require(store.engine.values.store.reader(for: file))
    try store.flush()
    #expect(store.engine.values.store.reader(for: file) === reader)
    #expect([UInt8](copying: cursor.value) == value)
    try store.close()
  }

  /// What was lent before the step may be gone.
  @Test func aCursorLendsNoValueAfterAStepThatFailed() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    for key in ["a", "b"] { try store.put(key, Self.value(5000), .buffered) }
    try store.flush()
    try store.close()
    let file = try #require(try tested.names(.values).first)
    try disk.flip(mask: 1, at: try tested.bytes(file).count - 2000, of: "store/\(file)")
    let again = try tested.open()
    var cursor = try again.main().cursor()
    #expect(try cursor.next())
    #expect(cursor.value.count == 5000)
    var failure: StoreError?
    do throws(StoreError) { _ = try cursor.next() } catch { failure = error }
    #expect(failure?.code == .corrupted)
    #expect(cursor.value.count == 0)
    try again.close()
  }

  @Test func aCompactionThatFailsIsNoReasonToRefuseWrites() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open(.inline)
    store.pauseCompaction()
    var entries = NumberedEntries()
    for _ in 0..<store.engine.compactionOptions.levelZeroTrigger {
      try entries.write(5, to: store)
      try store.flush()
    }
    disk.inject(Fault(.create, "segment-", effect: .error(.full), lasts: .forGood))
    store.resumeCompaction()
    let failures = tested.events.withLock { events in
      events.filter { if case .backgroundFailure = $0 { true } else { false } }.count
    }
    #expect(failures > 0)
    #expect(store.engine.work.failure == nil)
    disk.clearFaults()
    try store.close()
  }

  /// Their values were written again, and an open file keeps its room on the disk.
  @Test func valueFilesThatARecoveryReplacedAreLetGo() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("large", Self.value(5000), .buffered)
    try store.sync()
    let left = try #require(store.engine.values.store.numbers.first)
    let image = disk.crashImage(.everything)
    let again = try TestedStore(image, "store", seed: 5).open()
    #expect(try again.content()["large"]?.count == 5000)
    let name = FileName(.values, left).description
    #expect(image.leaks.filter { $0.contains(name) } == [])
    try again.close()
    try store.close()
  }

  /// The clean close before said what the logs hold, and no later manifest knows better.
  @Test func aCompactionKeepsWhatACleanCloseSaidOfTheLogs() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    for _ in 0..<store.engine.compactionOptions.levelZeroTrigger {
      try entries.write(20, to: store)
      try store.flush()
    }
    try entries.write(5, to: store)
    try store.close()
    let again = try tested.open()
    while try again.engine.compactOnce() {}
    let plan = again.engine.versions.current.manifest
    #expect(!plan.isCleanlyClosed)
    let image = try TestedStore.afterCrash(of: disk, .durableOnly)
    let log = try #require(try image.names(.log).last)
    try image.flip(log, at: try image.bytes(log).count - 20)
    #expect(try storeFailure { _ = try image.reopenedContent() }?.code == .corrupted)
    try again.close()
    #expect(try tested.reopenedContent() == entries.content)
  }
}
