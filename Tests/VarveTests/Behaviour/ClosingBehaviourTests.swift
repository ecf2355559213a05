import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// When a close has returned, nothing of the store touches the directory any more.
@Suite struct ClosingBehaviourTests {
  /// ```
  ///   compacting thread                closing thread
  ///   about to make its output  ─────▶ close()
  ///   goes on when that began          waits for the compaction, then ends the store
  /// ```
  @Test func aCloseWaitsForACompactionOnAnotherThread() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    for _ in 0..<3 {
      try entries.write(20, to: store)
      try store.flush()
    }
    let isCompacting = Monitor(false)
    let stepsAtClose = Monitor(0)
    let closing = try WorkerThread(name: "closing") {
      isCompacting.withLock(when: { $0 }) { _ in }
      try? store.close()
      stepsAtClose.withLock { $0 = disk.steps }
    }
    disk.observeSteps { step in
      guard step.operation == .create, step.name.hasPrefix("segment-") else { return }
      isCompacting.withLock { $0 = true }
      isCompacting.broadcast()
      while (try? store.existingKeyspace("default")) != nil {}
    }
    _ = try storeFailure { try store.compact() }
    closing.join()
    disk.observeSteps(nil)
    #expect(disk.steps == stepsAtClose.withLock { $0 })
    #expect(try tested.reopenedContent() == entries.content)
    #expect(try tested.findings().isEmpty)
  }

  @Test(arguments: FileSystemKind.allCases)
  func everyCallOnAClosedStoreSaysThatItIsClosed(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let store = try tested.open()
      let main = try store.main()
      try store.put("key", [1])
      let snapshot = try store.snapshot()
      try store.close()
      try store.close()
      let before = try tested.files()
      for act in [
        { try store.put("key", [2]) }, { _ = try main.value(for: "key") }, { try store.flush() },
        { _ = try main.contains("key") }, { try main.delete("key") }, { try store.sync() },
        { try store.compact() }, { _ = try store.snapshot() }, { _ = try store.content() },
        { _ = try store.keyspace("other") }, { try store.dropKeyspace("default") },
      ] {
        #expect(try storeFailure(act)?.code == .closed)
      }
      withExtendedLifetime(snapshot) {}
      #expect(try tested.files() == before)
    }
  }

  /// Memory, mappings and open files end with the last who holds the store, however it ended.
  @Test(arguments: [StoreOptions.ReadMode.mapped, .buffered], [true, false])
  func aStoreThatIsDroppedLetsGoOfEverything(
    _ mode: StoreOptions.ReadMode, _ isClosed: Bool
  ) throws {
    let (tested, disk) = try TestedStore.simulated()
    weak var engine: Engine?
    do {
      let store = try tested.open(.threads) { $0.readMode = mode }
      engine = store.engine
      var entries = NumberedEntries()
      for round in 0..<4 {
        try entries.write(20, to: store)
        try store.put("large", [UInt8](repeating: UInt8(round), count: 4_000), .buffered)
        try store.flush()
        #expect(try store.content().count == entries.count + 1)
      }
      let snapshot = try store.snapshot()
      try store.compact()
      try store.put("large", [1])
      withExtendedLifetime(snapshot) {}
      if isClosed { try store.close() }
    }
    #expect(engine == nil)
    #expect(disk.leaks.isEmpty, "\(disk.leaks)")
    // The directory is free.
    try tested.open().close()
  }
}
