import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Large compactions, done by two threads.
@Suite struct CompactionHalvesTests {
  /// What a store holds after much was overwritten and deleted, and its segments by level.
  private static func fill(
    _ store: SegmentStore, rounds: Int
  ) throws -> [(key: String, value: [UInt8])] {
    let keyspace = try store.keyspace("k")
    var random = SeededRandom(seed: 5)
    var model: [String: [UInt8]] = [:]
    for round in 0..<rounds {
      for _ in 0..<400 {
        let key = "key \(1_000 + random.below(1_500))"
        if random.oneIn(5) {
          try keyspace.delete(key, durability: .buffered)
          model[key] = nil
        } else {
          let value = random.bytes(random.oneIn(9) ? 1_500 : 200)
          try keyspace.put(key, value, durability: .buffered)
          model[key] = value
        }
      }
      if round.isMultiple(of: 3) { try store.flush() }
    }
    return model.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
  }

  @Test(arguments: FileSystemKind.allCases)
  func twoHalvesAreOneCompaction(on kind: FileSystemKind) throws {
    try kind.withStores(background: .threads) { open in
      let store = try open()
      let expected = try Self.fill(store, rounds: 30)
      try store.compact()
      let entries = try store.keyspace("k").entries()
      let isWhole =
        entries.count == expected.count
        && zip(entries, expected).allSatisfy {
          $0.key == Array($1.key.utf8) && $0.value == $1.value
        }
      #expect(isWhole)
      let manifest = store.engine.versions.current.manifest
      #expect(manifest.segments.allSatisfy { $0.level == 6 && $0.deleteCount == 0 })
      #expect(manifest.segments.count > 1)
      #expect(manifest.segments.allSatisfy { $0.keyCount == $0.entryCount })
      try store.close()
    }
  }

  @Test func theHalvesMeetAtAKeyAndLeaveNothingOut() throws {
    try FileSystemKind.simulated.withStores(background: .threads) { open in
      let store = try open()
      store.pauseCompaction()
      _ = try Self.fill(store, rounds: 24)
      try store.flush()
      let engine = store.engine
      let state = engine.versions.current.manifest.segments
      let map = LevelMap(state, engine.compactionOptions)
      let plan = try #require(
        CompactionPlan(
          .manual, .rewrite, [.init(level: 0, segments: map.levels[0])], to: 6, in: map))
      #expect(plan.middle == nil, "all of them overlap")
      let (first, second) = try engine.parts(of: plan)
      let middle = try #require(first.end)
      #expect(first.start == nil && second?.start == middle && second?.end == nil)
      #expect(plan.range.smallest.isBelow(middle) && middle.isBelow(plan.range.largest))
      store.resumeCompaction()
      try store.compact()
      let below = LevelMap(
        engine.versions.current.manifest.segments, engine.compactionOptions)
      let settled = try #require(
        CompactionPlan(
          .manual, .rewrite, [.init(level: 6, segments: below.levels[6])], to: 6, in: below))
      #expect(below.levels[6].dropFirst().map(\.smallestKey).contains { $0 == settled.middle })
      try store.close()
    }
  }

  /// Rewritten in place again and again, a segment would end as splinters.
  @Test func aSegmentAloneIsSharedOnlyWhereTwoComeOfIt() throws {
    let disk = SimulatedFileSystem()
    let components = StoreComponents(
      fileSystem: disk, clock: SimulatedClock(), random: SimulatedRandom(seed: 1),
      background: .threads)
    for (segmentBytes, isShared) in [(256 << 10, false), (64 << 10, true)] {
      var options = StoreOptions.small
      options.segmentBytes = segmentBytes
      let store = try SegmentStore.open(at: "store", options: options, components: components)
      store.pauseCompaction()
      let engine = store.engine
      if !isShared {
        var random = SeededRandom(seed: 6)
        for index in 0..<1_000 {
          try store.put("key \(1_000 + index)", random.bytes(180), .buffered)
        }
        try store.flush()
        try store.compact()
      }
      let segments = engine.versions.current.manifest.segments
      #expect(segments.count == 1)
      let map = LevelMap(segments, engine.compactionOptions)
      let plan = try #require(
        CompactionPlan(.expiry, .rewrite, [.init(level: 6, segments: segments)], to: 6, in: map))
      #expect(plan.inputBytes > 128 << 10 && plan.inputBytes < 256 << 10)
      #expect((try engine.parts(of: plan).1 != nil) == isShared)
      try store.close()
    }
  }

  /// Whichever half fails, nothing of either stays.
  @Test func aHalfThatFailsTakesTheOtherWithIt() throws {
    for occurrence in 1...2 {
      let disk = SimulatedFileSystem()
      let components = StoreComponents(
        fileSystem: disk, clock: SimulatedClock(), random: SimulatedRandom(seed: 1),
        background: .threads)
      let store = try SegmentStore.open(at: "store", options: .small, components: components)
      store.pauseCompaction()
      let expected = try Self.fill(store, rounds: 24)
      try store.flush()
      let before = store.engine.versions.current.manifest.segments.count
      disk.inject(
        Fault(
          .create, "segment-", occurrence: occurrence, effect: .error(.full), lasts: .once))
      do throws(StoreError) {
        try store.compact()
        Issue.record("a failure at file \(occurrence) passed unseen")
      } catch {
        #expect(error.code == .full)
      }
      #expect(store.engine.versions.current.manifest.segments.count == before)
      let files = try store.engine.directory.names().filter { $0.hasPrefix("segment-") }
      #expect(files.count == before)
      #expect(try store.keyspace("k").entries().count == expected.count)
      try store.compact()
      #expect(try store.keyspace("k").entries().count == expected.count)
      store.resumeCompaction()
      try store.close()
    }
  }
}
