import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A disk without room fails what needs room, says `.full`, and harms nothing: with room again the
/// same store goes on.
@Suite struct FullDiskBehaviourTests {
  /// Where the disk can say that it is full, file by file.
  private static let places: [Fault] = [
    Fault(.reserve, "log-", effect: .error(.full)), Fault(.create, "log-", effect: .error(.full)),
    Fault(.create, "segment-", effect: .error(.full)),
    Fault(.write, "segment-", effect: .error(.full)),
    Fault(.write, "segment-", effect: .partial(70, .full)),
    Fault(.create, "values-", effect: .error(.full)),
    Fault(.write, "values-", effect: .error(.full)),
    Fault(.write, "values-", occurrence: 2, effect: .error(.full)),
    Fault(.write, "values-", occurrence: 3, effect: .partial(10, .full)),
    Fault(.write, "values-", occurrence: 4, effect: .partial(10, .full)),
    Fault(.reserve, "values-", effect: .error(.full)),
    Fault(.truncate, "values-", effect: .error(.full)),
    Fault(.create, "manifest-", effect: .error(.full)),
    Fault(.reserve, "manifest-", effect: .error(.full)),
    Fault(.write, "manifest-", effect: .error(.full)),
    Fault(.write, "manifest-", effect: .partial(20, .full)),
  ]

  /// Acts that write to every kind of file; each may be tried again when it failed.
  private static func acts(_ entries: Monitor<NumberedEntries>) -> [(SegmentStore) throws -> Void] {
    [
      { store in try entries.withLock { try $0.write(5, to: store) } },
      { store in try store.put("large", [UInt8](repeating: 9, count: 3_000), .buffered) },
      { store in try store.put("larger", [UInt8](repeating: 8, count: 70_000)) },
      { store in try store.flush() },
      { store in try entries.withLock { try $0.write(5, to: store) } },
      { store in try store.flush() },
      { store in try store.compact() },
    ]
  }

  @Test(arguments: places)
  func aFullDiskAtEachKindOfFileIsSaidAndPassesByItself(_ fault: Fault) throws {
    // Where logs get another life, hardly one is made.
    let (tested, disk) = try TestedStore.simulated(logsAreReusable: fault.namePrefix != "log-")
    let store = try tested.open()
    try store.put("first", [0])
    try store.flush()
    var lasting = fault
    lasting.duration = .forGood
    disk.inject(lasting)
    let entries = Monitor(NumberedEntries())
    var failures = 0
    for act in Self.acts(entries) {
      while let failure = try storeFailure({ try act(store) }) {
        #expect(failure.code == .full, "\(failure)")
        failures += 1
        guard failures < 10, failure.code == .full else { return }
        #expect(try store.main().value(for: "first") == [0])
        disk.clearFaults()
      }
    }
    disk.clearFaults()
    #expect(failures > 0)
    var content = entries.withLock { $0.content }
    content["first"] = [0]
    content["large"] = [UInt8](repeating: 9, count: 3_000)
    content["larger"] = [UInt8](repeating: 8, count: 70_000)
    #expect(try store.content() == content)
    let image = try TestedStore.afterCrash(of: disk, .durableOnly)
    #expect(try image.reopenedContent() == content)
    try store.close()
    #expect(try tested.findings().isEmpty)
    #expect(try tested.reopenedContent() == content)
    #expect(try tested.findings().isEmpty)
  }

  /// Logs grow ahead of need, but not into the refusal of what has room.
  @Test func aDiskWithLittleRoomGetsSmallerLogs() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("first", [0])
    disk.setCapacity(bytes: disk.usedBytes + (300 << 10))
    let value = [UInt8](repeating: 1, count: 900)
    var written = 0
    let failure = try storeFailure {
      while written < 2_000 {
        try store.put("key \(written)", value)
        written += 1
      }
    }
    #expect(failure?.code == .full)
    // The rest of the log that was there, and most of the room that was left.
    #expect(written > 300, "\(written)")
    disk.setCapacity(bytes: nil)
    #expect(try store.content().count == 1 + written)
    try store.put("last", [1])
    try store.close()
    #expect(try tested.reopenedContent().count == 2 + written)
  }

  /// Room is taken for a log before its first record: one that is being appended to is not full.
  /// Where a file system breaks that, how much of the log is there is unknown.
  @Test func aLogThatFailsToTakeWhatItHadRoomForStopsTheStore() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("first", [0])
    disk.inject(Fault(.write, "log-", effect: .partial(20, .full)))
    #expect(try storeFailure { try store.put("second", [1]) }?.code == .poisoned)
    #expect(try storeFailure { try store.close() }?.code == .poisoned)
    #expect(try tested.reopenedContent() == ["first": [0]])
  }

  @Test func aDiskThatFillsUpRefusesAndGoesOnWhenThereIsRoom() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open(.inline)
    var entries = NumberedEntries()
    try entries.write(20, to: store)
    for round in 1...5 {
      disk.setCapacity(bytes: disk.usedBytes + 20_000)
      let synced = entries.count
      var refused: StoreError?
      // A log that was made ready takes some thousands.
      for _ in 0..<16_000 where refused == nil {
        refused = try storeFailure { try entries.write(1, to: store, .buffered) }
      }
      #expect(refused?.code == .full, "round \(round)")
      #expect(try store.content() == entries.content, "round \(round)")
      let flush = try storeFailure { try store.flush() }
      #expect(flush == nil || flush?.code == .full)
      let image = disk.crashImage(.durableOnly)
      image.setCapacity(bytes: nil)
      let kept = entries.prefix(try TestedStore(image, "store").reopenedContent())
      #expect(kept ?? -1 >= synced, "round \(round)")
      disk.setCapacity(bytes: nil)
      try entries.write(20, to: store)
    }
    try store.flush()
    try store.close()
    #expect(try tested.reopenedContent() == entries.content)
    #expect(try tested.findings().isEmpty)
  }

  // 64
  @Test func compactingAgainAndAgainOnAFullDiskLeavesNothingBehind() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    for _ in 0..<3 {
      try entries.write(40, to: store)
      try store.put("large \(entries.count)", [UInt8](repeating: 9, count: 3_000), .buffered)
      try store.flush()
    }
    let content = try store.content()
    let names = try tested.directory.names().sorted()
    let used = disk.usedBytes
    disk.setCapacity(bytes: used + 12_000)
    for _ in 0..<10 {
      #expect(try storeFailure { try store.compact() }?.code == .full)
      #expect(try tested.directory.names().sorted() == names)
      #expect(disk.usedBytes == used)
    }
    disk.setCapacity(bytes: nil)
    try store.compact()
    #expect(try store.content() == content)
    #expect(try tested.names(.segment).count == 1)
    try store.close()
    #expect(try tested.reopenedContent() == content)
  }

  @Test func openingOnAFullDiskIsSaidAndCanBeTriedAgain() throws {
    let (tested, disk) = try TestedStore.simulated()
    disk.setCapacity(bytes: 0)
    #expect(try storeFailure { _ = try tested.open() }?.code == .full)
    disk.setCapacity(bytes: nil)
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(40, to: store)
    // After a crash what was in the log goes into a segment, which needs room.
    let image = disk.crashImage(.durableOnly)
    let crashed = try TestedStore(image, "store")
    image.setCapacity(bytes: image.usedBytes)
    let before = try crashed.files()
    for _ in 0..<3 { #expect(try storeFailure { _ = try crashed.open() }?.code == .full) }
    #expect(try crashed.files() == before)
    #expect(image.leaks.isEmpty, "\(image.leaks)")
    image.setCapacity(bytes: nil)
    #expect(try crashed.reopenedContent() == entries.content)
  }
}
