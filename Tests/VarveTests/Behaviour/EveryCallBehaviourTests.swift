import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A failure or a power cut at each single call in turn. Numbers are those of the list in README.md;
/// Tests/VarveSoakTests/CrashSampleTests.swift does the same to random work.
@Suite struct EveryCallBehaviourTests {
  // 48, 49
  @Test func aCrashAtAnyCallOfMakingAStoreLeavesAnEmptyOneOrNone() throws {
    let disk = SimulatedFileSystem()
    let images = Monitor<[(String, SimulatedFileSystem)]>([])
    disk.observeSteps { step in
      for mode in CrashMode.allCases {
        let image = disk.crashImage(mode, seed: UInt64(step.number))
        images.withLock { $0.append(("before \(step), \(mode)", image)) }
      }
    }
    let tested = try TestedStore(disk, "store")
    try tested.open().put("key", [1])
    disk.observeSteps(nil)
    let taken = images.withLock { $0 }
    #expect(taken.count > 100)
    for (moment, image) in taken {
      let crashed = try TestedStore(image, "store")
      let readOnly = try storeFailure { try crashed.open { $0.access = .readOnly }.close() }
      if let readOnly { #expect(readOnly.code == .notFound, "\(moment)") }
      let content = try crashed.reopenedContent()
      #expect(content.isEmpty || content == ["key": [1]], "\(moment)")
      #expect(try crashed.findings().isEmpty, "\(moment)")
    }
  }

  // 48
  @Test func aFailureAtAnyCallOfMakingAStoreCanBeTriedAgain() throws {
    var failures = 0
    for occurrence in 1...100 {
      for effect in [Fault.Effect.error(.device), .error(.full), .partial(30, .full)] {
        let disk = SimulatedFileSystem()
        let tested = try TestedStore(disk, "store")
        disk.inject(Fault(occurrence: occurrence, effect: effect))
        if try storeFailure({ try tested.open().close() }) != nil { failures += 1 }
        disk.clearFaults()
        let content = try tested.reopenedContent()
        #expect(content.isEmpty, "call \(occurrence)")
        #expect(disk.leaks.isEmpty, "call \(occurrence): \(disk.leaks)")
      }
    }
    #expect(failures > 20 && failures < 200)
  }

  // 44
  @Test func aCrashRightAfterARecoveryMadeItsFirstLogIsRecoveredToo() throws {
    let (first, disk) = try TestedStore.simulated()
    var entries = NumberedEntries()
    try entries.write(10, to: try first.open(), .synced)
    for mode in CrashMode.allCases {
      var image = disk.crashImage(mode, seed: 1)
      var written = entries
      for round in 0..<3 {
        let again = try TestedStore(image, "store", seed: UInt64(round))
        let store = try again.open()
        #expect(try store.content() == written.content, "\(mode), round \(round)")
        // The header of the new log is there, and of its first record nothing that was synced.
        let torn = image.crashImage(.everything)
        try store.put("torn", [1], .buffered)
        let withLog = image.crashImage(mode, seed: UInt64(round))
        let content = try TestedStore(withLog, "store").reopenedContent()
        #expect(content.filter { $0.key != "torn" } == written.content, "\(mode), round \(round)")
        #expect(try TestedStore(torn, "store").reopenedContent() == written.content)
        try store.main().delete("torn")
        try written.write(3, to: store)
        image = image.crashImage(mode, seed: UInt64(round))
      }
    }
  }

  /// Writes, flushes and compacts; tells what was acknowledged.
  private static func work(
    _ store: SegmentStore, _ acknowledged: inout TestedStore.Content
  ) throws {
    let large = [UInt8](repeating: 5, count: 3_000)
    for round in 0..<3 {
      for index in 0..<6 {
        try store.put("key \(index)", [UInt8(round)])
        acknowledged["key \(index)"] = [UInt8(round)]
      }
      try store.put("large \(round)", large, .buffered)
      try store.sync()
      acknowledged["large \(round)"] = large
      try store.flush()
    }
    try store.compact()
    try store.close()
  }

  /// What else a store may hold of the one act that was under way.
  private static func agree(
    _ found: TestedStore.Content, _ acknowledged: TestedStore.Content
  ) -> Bool {
    let changed = Set(found.keys).union(acknowledged.keys).filter { found[$0] != acknowledged[$0] }
    return changed.count <= 1 && acknowledged.keys.allSatisfy { found[$0] != nil }
  }

  // 70, 71
  @Test(arguments: [Fault.Effect.error(.device), .error(.full), .partial(50, .device)])
  func aFailureAtAnyCallIsAnErrorOrNothingAndNeverWrongData(_ effect: Fault.Effect) throws {
    var occurrence = 1
    var failures = 0
    while true {
      let (tested, disk) = try TestedStore.simulated()
      disk.setFailedSync(occurrence % 2 == 0 ? .keepsCache : .revertsCache)
      var acknowledged: TestedStore.Content = [:]
      disk.inject(Fault(occurrence: occurrence, effect: effect))
      let failure = try storeFailure { try Self.work(try tested.open(), &acknowledged) }
      let wasHit = disk.counts.total >= occurrence
      disk.clearFaults()
      if failure != nil { failures += 1 }
      let mode = [CrashMode.durableOnly, .everything, .pages][occurrence % 3]
      let image = try TestedStore.afterCrash(of: disk, mode, seed: UInt64(occurrence))
      // The same machine, on which the store was let go of, and one after a power cut.
      for (what, store) in [("\(mode)", image), ("no crash", tested)] {
        let found = try store.reopenedContent()
        let isRight = Self.agree(found, acknowledged)
        #expect(isRight, "call \(occurrence), \(what): \(found.keys) \(acknowledged.keys)")
      }
      #expect(try tested.findings().isEmpty, "call \(occurrence)")
      #expect(disk.leaks.isEmpty, "call \(occurrence): \(disk.leaks)")
      guard wasHit else { break }
      occurrence += 1
    }
    #expect(failures > 50)
  }

  // 69, 70
  @Test func aCrashAtAnyCallOfACompactionKeepsItsInputsOrItsOutputs() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    for round in 0..<3 {
      try entries.write(20, to: store)
      try store.put("key", [UInt8](repeating: UInt8(round), count: 2_000), .buffered)
      try store.flush()
    }
    let content = try store.content()
    let images = Monitor<[(Step, SimulatedFileSystem)]>([])
    disk.observeSteps { step in
      for mode in [CrashMode.durableOnly, .everything, .unlinkWithoutRename, .pages] {
        let image = disk.crashImage(mode, seed: UInt64(step.number))
        images.withLock { $0.append((step, image)) }
      }
    }
    try store.compact()
    disk.observeSteps(nil)
    for (step, image) in images.withLock({ $0 }) {
      let crashed = try TestedStore(image, "store")
      let store = try crashed.open()
      #expect(try store.content() == content, "before \(step)")
      // What the crash left half done is cleared away, and the work can be done.
      let manifest = store.engine.versions.current.manifest
      #expect(try crashed.names(.segment).count == manifest.segments.count, "before \(step)")
      #expect(try crashed.names(.values).count == manifest.valueFiles.count, "before \(step)")
      #expect(try crashed.names(.manifest).count == 1, "before \(step)")
      try store.compact()
      #expect(try store.content() == content, "before \(step)")
      #expect(try crashed.names(.segment).count == 1, "before \(step)")
      try store.close()
      #expect(try crashed.findings().isEmpty, "before \(step)")
    }
  }

  // 66, 67, 68
  @Test(arguments: 1...3 as ClosedRange<UInt64>)
  func whatWasSyncedSurvivesAndWhatWasNotIsAPrefix(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var (tested, disk) = try TestedStore.simulated()
    var entries = NumberedEntries()
    for round in 0..<6 {
      let store = try tested.open()
      // Enough for several logs: the sync must reach those that were left, too.
      try entries.write(20 + random.below(150), to: store, .buffered)
      if random.below(3) == 0 { try store.flush() }
      try store.sync()
      let synced = entries.count
      try entries.write(random.below(120), to: store, .buffered)
      let mode = CrashMode.allCases[random.below(CrashMode.allCases.count)]
      disk = disk.crashImage(mode, seed: random.next())
      tested = try TestedStore(disk, "store", seed: random.next())
      let content = try tested.reopenedContent()
      let kept = try #require(entries.prefix(content), "seed \(seed), round \(round), \(mode)")
      #expect(kept >= synced && kept <= entries.count, "seed \(seed), round \(round), \(mode)")
      entries = NumberedEntries(count: kept)
    }
  }
}
