import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// How the log goes from file to file: sizes, and the second life of files.
@Suite struct LogFilesTests {
  private let sizing = LogSizing(smallest: 1 << 20, largest: 64 << 20)

  @Test func theNextLogHoldsAboutASecondOfWriting() {
    let second: UInt64 = 1_000_000_000
    #expect(sizing.next(after: 16 << 20, filled: 10 << 20, in: second) == 16 << 20)
    #expect(sizing.next(after: 16 << 20, filled: 10 << 20, in: 20 * second) == 1 << 20)
    #expect(sizing.next(after: 64 << 20, filled: 64 << 20, in: second / 10) == 64 << 20)
  }

  @Test func logsGrowEightfoldAtMost() {
    #expect(sizing.next(after: 1 << 20, filled: 1 << 18, in: 0) == 8 << 20)
    #expect(sizing.next(after: 4 << 20, filled: 1 << 20, in: 1) == 32 << 20)
    #expect(sizing.next(after: 32 << 20, filled: 32 << 20, in: 1) == 64 << 20)
  }

  @Test func theNextLogIsWantedWhereTheLastOnesMemTableWasHalfFull() {
    #expect(LogSizing.spareMark(capacity: 64 << 20, fullEnd: nil) == 32 << 20)
    #expect(LogSizing.spareMark(capacity: 16 << 20, fullEnd: nil) == 4 << 20)
    #expect(LogSizing.spareMark(capacity: 64 << 20, fullEnd: 8 << 20) == 4 << 20)
    #expect(LogSizing.spareMark(capacity: 64 << 20, fullEnd: 64 << 20) == 32 << 20)
  }

  /// A memtable whose values lie elsewhere is full long before its log is: the next one then finds its log
  /// ready. One that was frozen because somebody asked says nothing of the next.
  @Test(arguments: [true, false])
  func aFullMemTableFindsTheNextLogReady(isFull: Bool) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open(.inline) { $0.firstLogBytes = 1 << 20 }
    let entries = try store.keyspace("entries")
    let log = store.engine.log
    let syncs = Monitor(0)
    for round in 0..<3 {
      for index in 0..<10 { try entries.put("\(index)", [UInt8](repeating: 1, count: 1000)) }
      #expect(log.state.withLock { $0.spare != nil } == (isFull && round > 0), "round \(round)")
      disk.observeSteps { step in
        if step.operation == .syncDirectory { syncs.withLock { $0 += 1 } }
      }
      try store.engine.alone { () throws(StoreError) in
        try store.engine.freezeMemTable(isFull: isFull)
      }
      disk.observeSteps(nil)
    }
    #expect(syncs.withLock { $0 } == (isFull ? 1 : 3))
    try store.close()
  }

  /// The same where writing alone fills it: many small entries to a batch take less of the log than of memory.
  @Test func logsAreReadyWhereMemTablesFillUp() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open(.inline) { $0.firstLogBytes = 1 << 20 }
    let entries = try store.keyspace("entries")
    let log = store.engine.log
    var (ready, used, ends): ([UInt64?], [UInt64], [UInt64]) = ([], [], [])
    for number in 0..<4_000 where used.count < 4 {
      let (current, spare) = log.state.withLock { ($0.current, $0.spare?.number) }
      let end = current?.end ?? 0
      var batch = WriteBatch()
      for entry in 0..<20 { batch.put("\(number)-\(entry)", [], in: entries) }
      try store.commit(batch, durability: .buffered)
      let next = log.state.withLock { $0.current?.number ?? 0 }
      guard let current, next != current.number else { continue }
      ready.append(spare)
      used.append(next)
      ends.append(end)
    }
    // Long before the log is full, at its quarter, the next one is wanted for its own sake.
    #expect(ends.count == 4 && ends.allSatisfy { $0 < 256 << 10 }, "\(ends)")
    #expect(ready.dropFirst().elementsEqual(used.dropFirst().map(Optional.some)))
    try store.close()
  }

  /// A spare that came too late stands in nobody's way: the wish for the next one is not lost on it.
  @Test func aSpareThatWasOvertakenIsMadeAnew() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open(.inline) { $0.firstLogBytes = 16 << 10 }
    try store.put("key", [1])
    let log = store.engine.log
    let late = try LogWriter.create(
      LogIdentity(number: try store.engine.numbers.next(), salt: 1), storeTag: log.storeTag,
      capacity: 16 << 10, in: log.directory)
    try store.freezeMemTable()
    log.state.withLock { $0.spare = late }
    let current = try #require(log.state.withLock { $0.current })
    #expect(current.number > late.number)
    while current.end <= log.state.withLock({ $0.spareMark }) { try store.put("key", [1]) }
    try store.put("key", [1])
    #expect(log.state.withLock { $0.spare?.number ?? 0 } > current.number)
    try store.close()
    #expect(try tested.findings().isEmpty)
  }

  /// Writers do not wait for a flush, nor does what is made ready for them.
  @Test func logsAreMadeReadyWhileAFlushWaits() throws {
    try FileSystemKind.posix.withTestedStore { tested in
      let store = try tested.open(.threads) { $0.firstLogBytes = 16 << 10 }
      try store.put("key", [1])
      let log = store.engine.log
      let isReady = log.syncing.withLock { _ in
        // The flush makes the log durable that is left here, and waits for the lock.
        try? store.freezeMemTable()
        for _ in 0..<400 { try? store.put("key", [UInt8](repeating: 1, count: 100), .buffered) }
        let pause = Monitor(())
        for _ in 0..<1_000 where log.state.withLock({ $0.spare == nil }) {
          _ = pause.wait(until: SystemClock().monotonicNanoseconds() + 10_000_000) { _ in false }
        }
        return log.state.withLock { $0.spare != nil }
      }
      #expect(isReady)
      try store.close()
    }
  }

  /// What comes to wait for another life after the first moment of rest is given back too.
  @Test func restIsLongUntilSomebodyWrites() {
    var idle = Engine.Idleness(since: LogPosition(log: 1, offset: 64))
    let isLong = (0..<60).map { _ in
      idle.look(at: LogPosition(log: 1, offset: 64))
      return idle.isLong
    }
    #expect(isLong == [Bool](repeating: false, count: 24) + [Bool](repeating: true, count: 36))
    idle.look(at: LogPosition(log: 1, offset: 128))
    #expect(!idle.isLong)
  }

  /// Writes `count` values of 1000 bytes and flushes, over and over.
  private func churn(_ store: SegmentStore, rounds: Int, count: Int = 100) throws {
    let entries = try store.keyspace("entries")
    for round in 0..<rounds {
      for index in 0..<count {
        try entries.put(
          "\(index)", [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 1000),
          durability: index % 10 == 0 ? .synced : .buffered)
      }
      try store.flush()
    }
  }

  private func retired(of store: SegmentStore) -> [UInt64] {
    store.engine.log.state.withLock { $0.retired.map(\.number) }
  }

  @Test(arguments: StoreSetting.allCases)
  func logsThatAreNotNeededAreWrittenAgain(in setting: StoreSetting) throws {
    try setting.withStores { open in
      let store = try open()
      try churn(store, rounds: 20)
      let waiting = store.engine.log.state.withLock { $0.retired.map(\.number) }
      #expect((1...4).contains(waiting.count))
      try churn(store, rounds: 3)
      #expect(store.engine.log.state.withLock { $0.retired.map(\.number) } != waiting)
      try store.close()
      // Every spare is gone, and what the live ones hold is theirs alone.
      let again = try open()
      let entries = try #require(try again.existingKeyspace("entries"))
      #expect(try entries.value(for: "7") == [UInt8](repeating: 2, count: 1000))
      try again.close()
    }
  }

  @Test func aClosedStoreHasNoLogBeyondItsLength() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open(.inline)
    try churn(store, rounds: 12)
    try store.put("last", [1])
    try store.close()
    let logs = try tested.files().filter { $0.key.hasPrefix("log-") }
    #expect(logs.count <= 1)
    for log in logs.values { #expect(log.count < 4096) }
  }

  /// What an earlier life left behind the end of a log is not taken for records, whatever of the
  /// file reached the disk.
  @Test(arguments: CrashMode.allCases)
  func aCrashInASecondLifeLosesNothingAndInventsNothing(mode: CrashMode) throws {
    for seed in 0..<12 as Range<UInt64> {
      let (tested, disk) = try TestedStore.simulated()
      let store = try tested.open(.inline)
      try churn(store, rounds: 8, count: 40)
      let entries = try store.keyspace("entries")
      for index in 0...seed { try entries.put("synced \(index)", [UInt8(index)]) }
      try entries.put("buffered", "x", durability: .buffered)
      let image = try TestedStore.afterCrash(of: disk, mode, seed: seed)
      let again = try image.open()
      let found = try #require(try again.existingKeyspace("entries"))
      for index in 0...seed {
        #expect(try found.value(for: "synced \(index)") == [UInt8(index)], "\(mode) \(seed)")
      }
      for index in 0..<40 {
        #expect(try found.value(for: "\(index)") == [UInt8](repeating: 7, count: 1000))
      }
      #expect(try found.value(for: "synced \(seed + 1)") == nil)
      try again.close()
      try store.close()
    }
  }

  /// A file is given a second life only when no manifest needs the first, and never shows the header
  /// of the one under the name of the other.
  @Test(arguments: [CrashMode.everything, .pages, .unlinkWithoutRename])
  func aPowerCutAtEveryCallOfARecyclingStoreIsHarmless(mode: CrashMode) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open(.inline)
    try churn(store, rounds: 6, count: 40)
    let images = Monitor<[SimulatedFileSystem]>([])
    disk.observeSteps { [disk] _ in
      images.withLock { $0.append(disk.crashImage(mode, seed: UInt64($0.count))) }
    }
    let before = retired(of: store)
    try churn(store, rounds: 3, count: 10)
    #expect(retired(of: store) != before)
    disk.observeSteps(nil)
    for (step, image) in images.withLock({ $0 }).enumerated() {
      let again = try TestedStore(image, "store").open()
      let found = try #require(try again.existingKeyspace("entries"))
      let value = try #require(try found.value(for: "0"), "step \(step)")
      #expect(value.count == 1000 && value.allSatisfy { $0 == value[0] }, "step \(step)")
      try again.close()
    }
    try store.close()
  }

  /// A spare that came too late for its number gets another one, whenever the power is cut.
  @Test(arguments: [CrashMode.everything, .pages, .unlinkWithoutRename])
  func aSpareThatWasOvertakenIsUsedUnderAnotherNumber(mode: CrashMode) throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open(.inline)
    try churn(store, rounds: 1, count: 40)
    // Enough of the log that follows for the next one to be prepared.
    try churn(store, rounds: 1, count: 120)
    let entries = try store.keyspace("entries")
    let log = store.engine.log
    // One that is new: what waits for another life comes first.
    while log.state.withLock({ $0.spare?.isBlank != true }) {
      log.releaseRetired()
      try entries.put("filler", [UInt8](repeating: 1, count: 1000))
    }
    let spare = try #require(
      log.state.withLock { state in
        defer { state.spare = nil }
        return state.spare
      })
    #expect(spare.isBlank)
    try store.freezeMemTable()
    log.state.withLock { $0.spare = spare }
    let images = Monitor<[SimulatedFileSystem]>([])
    disk.observeSteps { [disk] _ in
      images.withLock { $0.append(disk.crashImage(mode, seed: UInt64($0.count))) }
    }
    try store.freezeMemTable()
    try entries.put("filler", [UInt8](repeating: 1, count: 1000))
    disk.observeSteps(nil)
    let current = try #require(log.state.withLock { $0.current })
    #expect(current.capacity == spare.capacity && current.number > spare.number)
    #expect(current.file.isReusable && !current.isBlank)
    #expect(images.withLock { $0.count } > 3)
    for (step, image) in images.withLock({ $0 }).enumerated() {
      let again = try TestedStore(image, "store").open()
      let found = try #require(try again.existingKeyspace("entries"))
      #expect(try found.value(for: "filler")?.count == 1000, "step \(step)")
      try again.close()
    }
    try store.close()
    #expect(try tested.findings().isEmpty)
  }

  /// What waits for another life is looked at by size: a small spare must not stand before a large log.
  @Test func aSpareThatWasOvertakenWaitsBehindLargerOnes() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("key", [1])
    let log = store.engine.log
    func make(_ capacity: UInt64) throws -> LogWriter {
      try LogWriter.create(
        LogIdentity(number: try store.engine.numbers.next(), salt: capacity),
        storeTag: log.storeTag, capacity: capacity, in: log.directory)
    }
    let (large, spare) = (try make(1 << 20), try make(64 << 10))
    // A log with a higher number is current when the spare comes.
    try store.engine.alone { () throws(StoreError) in try store.engine.freezeMemTable() }
    log.state.withLock { state in
      state.retired = [large]
      state.spare = spare
    }
    try store.engine.alone { () throws(StoreError) in try store.engine.freezeMemTable() }
    #expect(log.end?.log ?? 0 > spare.number)
    #expect(log.state.withLock { $0.current?.capacity } == large.capacity)
    #expect(log.state.withLock { $0.retired.map(\.number) } == [spare.number])
    try store.close()
  }
}
