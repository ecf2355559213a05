import Synchronization
import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Compaction that rests, and writers that meet a background that is behind.
@Suite struct StorePauseTests {
  @Test(arguments: FileSystemKind.allCases)
  func compactionRestsWhilePausedAndGoesOnAfterTheLastResume(on kind: FileSystemKind) throws {
    try kind.withStores { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      func flush(_ round: Int) throws {
        for key in 0..<20 {
          try keyspace.put("key \(key)", "round \(round)", durability: .buffered)
        }
        try store.flush()
      }
      store.pauseCompaction()
      store.pauseCompaction()
      for round in 0..<8 { try flush(round) }
      #expect(store.metrics().levels[0].segments == 8 && store.metrics().compactions == 0)
      store.resumeCompaction()
      try flush(8)
      #expect(store.metrics().levels[0].segments == 9)
      // Nothing is written any more: resuming alone must bring back what was put off.
      store.resumeCompaction()
      #expect(store.metrics().levels[0].segments < 4 && store.metrics().compactions > 0)
      // More resumes than pauses are harmless.
      store.resumeCompaction()
      store.pauseCompaction()
      let before = store.metrics().compactions
      for round in 9..<18 { try flush(round) }
      #expect(store.metrics().compactions == before)
      // Asked for by name it is done, and the pause holds on.
      try store.compact()
      #expect(store.metrics().levels[0].segments == 0)
      for round in 18..<24 { try flush(round) }
      #expect(store.metrics().levels[0].segments == 6)
      #expect(try keyspace.entries().allSatisfy { $0.value == Array("round 23".utf8) })
      try store.close()
    }
  }

  /// The store's own threads: what was put off is done without another write.
  @Test(.timeLimit(.minutes(1)))
  func aResumedThreadFindsTheWorkByItself() throws {
    try Self.withThreads(on: SimulatedFileSystem()) { store in
      store.pauseCompaction()
      for round in 0..<12 {
        try store.keyspace("k").put("key \(round % 3)", "round \(round)")
        try store.flush()
      }
      #expect(store.metrics().levels[0].segments == 12)
      store.resumeCompaction()
      #expect(Self.waits { store.metrics().levels[0].segments < 4 })
    }
  }

  /// The thread had begun with what it was wanted for: what is left must not be forgotten.
  @Test(.timeLimit(.minutes(1)))
  func aPauseBetweenTwoCompactionsLosesNeither() throws {
    let paused = Monitor<SegmentStore?>(nil)
    var options = StoreOptions.small
    options.onEvent = { event in
      guard case .compacted = event else { return }
      let store = paused.withLock { store in
        defer { store = nil }
        return store
      }
      store?.pauseCompaction()
    }
    try Self.withThreads(on: SimulatedFileSystem(), options: options) { store in
      store.pauseCompaction()
      // Two things to do: segments of a dropped keyspace alone, and level 0.
      let dropped = try store.keyspace("dropped")
      try store.flush()
      try dropped.put("key", "value")
      try store.flush()
      for round in 0..<8 {
        try store.keyspace("k").put("key", "round \(round)")
        try store.flush()
      }
      try store.dropKeyspace("dropped")
      paused.withLock { $0 = store }
      store.resumeCompaction()
      #expect(Self.waits { paused.withLock { $0 == nil } && store.metrics().compactions == 1 })
      Self.rest(milliseconds: 30)
      #expect(store.metrics().compactions == 1 && store.metrics().levels[0].segments >= 8)
      store.resumeCompaction()
      #expect(Self.waits { store.metrics().levels[0].segments < 4 })
      paused.withLock { $0 = nil }
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: FileSystemKind.allCases)
  func writersAreSlowedNotStuckWhileCompactionIsPaused(on kind: FileSystemKind) throws {
    try kind.withDirectory { _, fileSystem, path in
      try Self.withThreads(on: fileSystem, at: path) { store in
        let keyspace = try store.keyspace("k")
        store.pauseCompaction()
        for round in 0..<40 {
          for key in 0..<10 {
            try keyspace.put("key \(round)-\(key)", "value", durability: .buffered)
          }
          try store.flush()
        }
        let metrics = store.metrics()
        #expect(metrics.levels[0].segments == 40)
        // A price for each byte, so little for so few that it is not worth a sleep of its own.
        #expect(metrics.delayedWrites < 310)
        #expect(metrics.delayMicroseconds <= metrics.delayedWrites * 100_000)
        var batch = WriteBatch()
        let value = [UInt8](repeating: 1, count: 1_000)
        for key in 0..<1_000 { batch.put("many \(key)", value, in: keyspace) }
        try store.commit(batch, durability: .buffered)
        // A megabyte at 16 MiB a second.
        let paid = store.metrics().delayMicroseconds - metrics.delayMicroseconds
        #expect(paid > 50_000 && paid <= 100_000)
        #expect(try keyspace.entries().count == 1_400)
        store.resumeCompaction()
        #expect(Self.waits { store.metrics().levels[0].segments < 8 })
        let delayed = store.metrics().delayedWrites
        batch.put("key", "value", in: keyspace)
        try store.commit(batch)
        #expect(store.metrics().delayedWrites == delayed)
        #expect(try keyspace.entries().count == 1_401)
      }
    }
  }

  /// Memory stays bounded while a flush is held up, readers go on, and nothing is lost.
  @Test(.timeLimit(.minutes(1)))
  func writersWaitForAFlushThatIsHeldUpAndReadersDoNot() throws {
    let system = SimulatedFileSystem()
    try Self.withThreads(on: system) { store in
      let keyspace = try store.keyspace("k")
      let written = Atomic<Int>(0)
      let value = [UInt8](repeating: 7, count: 900)
      let writer = try store.engine.flushing.withLock { _ in
        let writer = try WorkerThread(name: "writer") {
          for key in 0..<12_000 as Range<UInt64> {
            guard (try? keyspace.put(key, value, durability: .buffered)) != nil else { return }
            written.add(1, ordering: .relaxed)
          }
        }
        let limit = store.engine.derived.frozenMemTables + 1
        #expect(Self.waits { store.metrics().frozenMemTables == limit })
        // Give it time to go further, which it must not.
        Self.rest(milliseconds: 50)
        let metrics = store.metrics()
        #expect(metrics.frozenMemTables == limit)
        #expect(
          metrics.memTableBytes <= (limit + 1) * (store.engine.derived.memTableBytes + 65_536))
        #expect(written.load(ordering: .relaxed) < 12_000)
        // What was written is read from the frozen memtables.
        #expect(try keyspace.value(for: 0 as UInt64) == value)
        #expect(try keyspace.entries(KeyRange(from: nil, to: [0, 0, 0, 0, 0, 0, 1])).count == 256)
        return writer
      }
      writer.join()
      #expect(written.load(ordering: .relaxed) == 12_000)
      #expect(store.metrics().delayedWrites > 0)
      #expect(try keyspace.cursorCount() == 12_000)
    }
  }

  /// A disk that is full is told to the writer and to nobody who reads; with room the store goes on.
  @Test(.timeLimit(.minutes(1)))
  func aFlushThatFindsNoRoomFailsWritersInsteadOfHoldingThem() throws {
    let system = SimulatedFileSystem()
    try Self.withThreads(on: system) { store in
      let keyspace = try store.keyspace("k")
      system.inject(Fault(.create, "segment-", effect: .error(.full), lasts: .forGood))
      let value = [UInt8](repeating: 7, count: 900)
      var written = 0
      let failure = code {
        for key in 0..<18_000 as Range<UInt64> {
          try keyspace.put(key, value, durability: .buffered)
          written += 1
        }
      }
      #expect(failure == .full)
      #expect(written > 0 && written < 18_000)
      #expect(try keyspace.value(for: 0 as UInt64) == value)
      system.clearFaults()
      try store.flush()
      try keyspace.put("room", "again")
      #expect(try keyspace.cursorCount() == written + 1)
    }
  }
}

// MARK: - Stores with threads

extension StorePauseTests {
  private static func withThreads(
    on fileSystem: any FileSystem, at path: String = "store", options: StoreOptions = .small,
    _ body: (SegmentStore) throws -> Void
  ) throws {
    let store = try SegmentStore.open(
      at: path, options: options,
      components: StoreComponents(
        fileSystem: fileSystem, clock: SystemClock(), random: SimulatedRandom(seed: 1),
        background: .threads))
    try body(store)
    try store.close()
  }

  /// Waits up to ten seconds for `isReady`.
  static func waits(for isReady: () -> Bool) -> Bool {
    for _ in 0..<2_000 {
      if isReady() { return true }
      rest(milliseconds: 5)
    }
    return isReady()
  }

  private static func rest(milliseconds: UInt64) {
    let never = Monitor(())
    _ = never.wait(until: SystemClock().monotonicNanoseconds() + milliseconds * 1_000_000) { _ in
      false
    }
  }
}

extension Keyspace {
  /// How many entries a scan of the keys alone finds.
  fileprivate func cursorCount() throws -> Int {
    var cursor = try cursor(readsValues: false)
    var count = 0
    while try cursor.next() { count += 1 }
    return count
  }
}
