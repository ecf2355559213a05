import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite("Compaction picker")
struct CompactionPickerTests {
  typealias Entry = SimulatedLevels.Entry

  /// `count` puts of random keys below `limit`.
  static func puts(_ count: Int, below limit: Int, _ random: inout SeededRandom) -> [Entry] {
    (0..<count).map { _ in Entry(key: UInt32(random.below(limit)), sequence: 0) }
  }

  /// Flushes `keys` again and again, until level 0 is due.
  static func fillLevelZero(of store: inout SimulatedLevels, _ keys: Range<UInt32>) {
    for _ in 0..<store.options.levelZeroTrigger {
      store.flush(keys.map { Entry(key: $0, sequence: 0) })
    }
  }

  @Test func anEmptyStoreHasNothingToDo() {
    let store = SimulatedLevels()
    #expect(CompactionPicker(options: store.options).plan(for: store.state) == nil)
    #expect(FullCompaction(options: store.options, firstOwnNumber: 1).next(store.state) == nil)
  }

  @Test func theSameStateGivesTheSamePlan() {
    var random = SeededRandom(seed: 1)
    var store = SimulatedLevels()
    for _ in 0..<10 { store.flush(Self.puts(64, below: 1000, &random)) }
    let picker = CompactionPicker(options: store.options)
    #expect(picker.plan(for: store.state) != nil)
    #expect(picker.plan(for: store.state) == picker.plan(for: store.state))
  }

  @Test func levelZeroWaitsForItsTriggerAndGoesToTheLastLevelOfASmallStore() throws {
    var random = SeededRandom(seed: 1)
    var store = SimulatedLevels()
    let picker = CompactionPicker(options: store.options)
    let trigger = store.options.levelZeroTrigger
    for _ in 1..<trigger { store.flush(Self.puts(40, below: 1000, &random)) }
    #expect(picker.plan(for: store.state) == nil)
    store.flush(Self.puts(40, below: 1000, &random))
    let plan = try #require(picker.plan(for: store.state))
    #expect(plan.reason == .levelZero && plan.outputLevel == 6)
    #expect(plan.segments.count == trigger)
  }

  /// Ascending keys overlap nothing: whatever their number, nothing is written twice.
  @Test func ascendingKeysAreMovedAndNeverRewritten() {
    var store = SimulatedLevels()
    for flush in 0..<100 {
      store.flush((0..<64).map { Entry(key: UInt32(flush * 64 + $0), sequence: 0) })
      store.settle()
    }
    #expect(store.compactedBytes == 0)
    #expect(store.flaw == nil && store.misread() == nil)
  }

  /// The keys of issue 44 of LevelDB: a delete must not sink below the put it hides.
  @Test func aSegmentOfLevelZeroTakesAlongAllThatOverlapItOnAndOn() throws {
    var store = SimulatedLevels(segmentBytes: 1 << 10)
    func flush(_ keys: ClosedRange<UInt32>, _ kind: EntryKind = .put) {
      store.flush(keys.map { Entry(key: $0, sequence: 0, kind: kind) })
    }
    flush(10...12)
    flush(30...32)
    flush(12...20)
    flush(20...25, .delete)
    flush(90...91)
    let plan = try #require(CompactionPicker(options: store.options).plan(for: store.state))
    #expect(plan.segments.map(\.number) == [1, 3, 4])
    store.carryOut(plan)
    #expect(store.misread() == nil)
  }

  @Test func randomOverwritesCostABoundedAmountOfWritingAndSpace() {
    var random = SeededRandom(seed: 42)
    var store = SimulatedLevels()
    let keys = 8_000
    for _ in 0..<400 {
      store.flush(Self.puts(64, below: keys, &random))
      store.settle()
      if random.oneIn(40) { #expect(store.flaw == nil && store.misread() == nil) }
    }
    let live = UInt64(store.newest.count) * SimulatedLevels.entryBytes
    let written = Double(store.flushedBytes + store.compactedBytes) / Double(store.flushedBytes)
    let space = Double(store.segmentBytes) / Double(live)
    #expect(written < 12, "write amplification \(written)")
    #expect(space < 1.3, "space amplification \(space)")
    #expect(store.misread() == nil)
  }

  /// Everything at once, with compactions that run beside each other and end in any order.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func whateverIsWrittenEveryReaderFindsIt(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var store = SimulatedLevels()
    let picker = CompactionPicker(options: store.options)
    for step in 0..<160 {
      store.flush(Self.mixture(&random, now: store.now), separatingValues: random.oneIn(3))
      store.now += UInt64(random.below(5))
      if random.oneIn(30), store.snapshots.count < 4 { store.takeSnapshot() }
      if random.oneIn(25), !store.snapshots.isEmpty {
        store.snapshots.remove(at: random.below(store.snapshots.count))
      }
      if step == 100 { store.dropped[2] = store.sequence }
      while store.running.count < 3, let plan = picker.plan(for: store.state) {
        if let flaw = store.flaw(of: plan) {
          Issue.record("seed \(seed) step \(step): \(plan.reason) \(flaw)")
          return
        }
        store.running.append(plan)
      }
      while !store.running.isEmpty, random.below(3) > 0 || store.running.count == 3 {
        store.carryOut(store.running.remove(at: random.below(store.running.count)))
      }
      if let flaw = store.flaw ?? (step % 25 == 0 ? store.misread() : nil) {
        Issue.record("seed \(seed) step \(step): \(flaw)")
        return
      }
    }
    for plan in store.running { store.carryOut(plan) }
    store.running = []
    store.settle()
    #expect(store.flaw == nil && store.misread() == nil)
  }

  /// A flush of anything, into four keyspaces.
  static func mixture(_ random: inout SeededRandom, now: ExpiryTime) -> [Entry] {
    let keyspace = UInt32(random.below(4)) << 24
    let (start, width) = (random.below(2_000), 1 + random.below(2_000))
    let deletes = random.oneIn(4) ? 2 : 10
    return (0..<(8 + random.below(100))).map { _ in
      Entry(
        key: keyspace + UInt32(start + random.below(width)), sequence: 0,
        kind: random.oneIn(deletes) ? .delete : .put,
        expiry: random.oneIn(8) ? now + UInt64(random.below(400)) : 0)
    }
  }
}

// MARK: - What raises priority

extension CompactionPickerTests {
  @Test func aStoreWhoseKeysWereAllDeletedEmptiesItself() {
    var store = SimulatedLevels()
    store.flush((0..<640).map { Entry(key: $0, sequence: 0) })
    for part in 0..<10 as Range<UInt32> {
      store.flush((part * 64..<part * 64 + 64).map { Entry(key: $0, sequence: 0, kind: .delete) })
    }
    store.settle()
    let left = store.segments.values.filter { $0.record.level > 0 }
    #expect(left.allSatisfy { $0.record.deleteCount == 0 })
    #expect(store.misread() == nil)
  }

  @Test func deletesThatASnapshotNeedsAreNotRewrittenAgainAndAgain() {
    var store = SimulatedLevels()
    store.flush((0..<256).map { Entry(key: $0, sequence: 0) })
    store.takeSnapshot()
    for part in 0..<4 as Range<UInt32> {
      store.flush((part * 64..<part * 64 + 64).map { Entry(key: $0, sequence: 0, kind: .delete) })
    }
    store.settle()
    #expect(store.misread() == nil)
    let before = store.compactedBytes
    store.snapshots = []
    store.settle()
    #expect(store.segments.values.allSatisfy { $0.record.level == 0 })
    #expect(store.compactedBytes == before, "what is left is nothing")
  }

  @Test func whatHasExpiredIsGoneAfterItsTimeButNotBeforeAnOlderSnapshotIs() {
    var store = SimulatedLevels()
    for part in 0..<8 as Range<UInt32> {
      store.flush((0..<64).map { Entry(key: part * 64 + $0, sequence: 0, expiry: 100) })
    }
    store.settle()
    store.takeSnapshot()
    store.now = 200
    store.settle()
    #expect(store.plans[.expiry] == nil)
    store.snapshots = []
    store.settle()
    #expect((store.plans[.expiry] ?? 0) > 0)
    #expect(store.segments.isEmpty && store.misread() == nil)
  }

  @Test func theNextExpiryIsTheMomentAtWhichThePickerActs() throws {
    var random = SeededRandom(seed: 9)
    for round in 0..<200 {
      var store = SimulatedLevels()
      let last = UInt64(100 + random.below(100_000))
      store.flush(
        (0..<64 as Range<UInt32>).map { key in
          let expires = key == 0 || random.below(100) < round
          return Entry(key: key, sequence: 0, expiry: expires ? 100 + last * UInt64(key) / 63 : 0)
        })
      store.settle()
      let picker = CompactionPicker(options: store.options)
      let segments = store.state.segments
      let next = picker.nextExpiry(in: segments, after: store.now)
      store.now = 1_000_000
      #expect((next != nil) == (picker.plan(for: store.state)?.reason == .expiry), "\(round)")
      guard let next else { continue }
      store.now = next
      #expect(picker.plan(for: store.state)?.reason == .expiry, "\(round): at \(next)")
      #expect(picker.nextExpiry(in: segments, after: next) == nil)
    }
  }

  @Test func segmentsOfADroppedKeyspaceGoUnread() {
    var store = SimulatedLevels()
    for keyspace in 1...2 as ClosedRange<UInt32> {
      for part in 0..<8 as Range<UInt32> {
        store.flush((0..<64).map { Entry(key: keyspace << 24 + part * 64 + $0, sequence: 0) })
      }
    }
    store.settle()
    store.takeSnapshot()
    store.sequence += 1
    store.dropped[1] = store.sequence
    let plan = CompactionPicker(options: store.options).plan(for: store.state)
    #expect(plan == nil, "a snapshot may still read it")
    store.snapshots = []
    let before = store.compactedBytes
    store.settle()
    #expect(store.compactedBytes == before)
    #expect(store.segments.values.allSatisfy { $0.entries.allSatisfy { $0.key >> 24 == 2 } })
    #expect(!store.segments.isEmpty && store.misread() == nil)
  }

  @Test func valueFilesFullOfGarbageAreEmptiedAndGo() {
    var random = SeededRandom(seed: 9)
    var store = SimulatedLevels()
    for _ in 0..<120 {
      store.flush(Self.puts(64, below: 1_000, &random), separatingValues: true)
      store.settle()
      #expect(store.flaw == nil)
    }
    let live = UInt64(store.newest.count) * SimulatedLevels.valueBytes
    let levelZero = store.segments.values.filter { $0.record.level == 0 }.count
    let pending = UInt64(levelZero * 64) * SimulatedLevels.valueBytes
    #expect(store.valueFileBytes < (live + pending) * 100 / 45)
    #expect((store.plans[.valueGarbage] ?? 0) > 0)
    #expect(store.misread() == nil)
  }

  /// What log-structured file systems found: with the emptiest file cleaned first, a little more than
  /// twice the space makes moving values a fifth of all writing.
  @Test func valuesThatAreOverwrittenAtRandomAreSeldomMovedWithinTwiceTheirSpace() {
    var random = SeededRandom(seed: 11)
    var store = SimulatedLevels()
    let keys = 1_600
    var (moved, written, space) = (UInt64(0), UInt64(0), UInt64(0))
    for flush in 0..<300 {
      store.flush(Self.puts(64, below: keys, &random), separatingValues: true)
      store.settle()
      guard flush >= 100 else { continue }
      written += 64 * SimulatedLevels.valueBytes
      space = max(space, store.valueFileBytes)
      if flush == 100 { store.movedValueBytes = 0 }
      moved = store.movedValueBytes
    }
    let live = UInt64(store.newest.count) * SimulatedLevels.valueBytes
    #expect(Double(moved) / Double(written) < 0.25, "\(moved) of \(written)")
    #expect(Double(space) / Double(live) < 2.8, "\(space) for \(live)")
    #expect(store.misread() == nil)
  }

  /// Level 0 is merged for the values it hides, though it has few segments.
  @Test func levelZeroIsMergedEarlyWhereItHidesManyValues() throws {
    var random = SeededRandom(seed: 11)
    var store = SimulatedLevels()
    for _ in 0..<6 { store.flush(Self.puts(64, below: 300, &random), separatingValues: true) }
    store.settle()
    let picker = CompactionPicker(options: store.options)
    while picker.plan(for: store.state) == nil, store.state.segments.count < 20 {
      store.flush(Self.puts(64, below: 300, &random), separatingValues: true)
    }
    let plan = try #require(picker.plan(for: store.state))
    #expect(plan.reason == .levelZero)
    #expect(plan.inputs[0].segments.count < store.options.levelZeroTrigger)
  }

  @Test func valueFilesThatMemtablesMayPointIntoAreLeftAlone() {
    var random = SeededRandom(seed: 9)
    var store = SimulatedLevels()
    for _ in 0..<8 { store.flush(Self.puts(64, below: 100, &random), separatingValues: true) }
    let picker = CompactionPicker(options: store.options)
    while let plan = picker.plan(for: store.state), plan.reason == .levelZero {
      store.carryOut(plan)
    }
    #expect(picker.plan(for: store.state)?.reason == .valueGarbage)
    var state = store.state
    state.openValueFiles = Set(store.valueFiles.keys)
    #expect(picker.plan(for: state) == nil)
  }

  /// A rewrite in place may join two segments across the gap between them.
  @Test func nothingIsWrittenIntoAGapThatARunningCompactionMayClose() throws {
    var store = SimulatedLevels()
    for start in [0, 1_000] as [UInt32] {
      Self.fillLevelZero(of: &store, start..<start + 60)
      store.settle()
    }
    let map = LevelMap(store.state.segments, store.options)
    #expect(map.levels[6].count == 2)
    let joining = try #require(
      CompactionPlan(
        .valueGarbage, .rewrite, [.init(level: 6, segments: map.levels[6])], to: 6, in: map))
    Self.fillLevelZero(of: &store, 500..<560)
    let picker = CompactionPicker(options: store.options)
    #expect(picker.plan(for: store.state)?.reason == .levelZero)
    store.running = [joining]
    #expect(picker.plan(for: store.state) == nil)
  }

  @Test func unconnectedPartsOfLevelZeroMayBeMergedSideBySide() throws {
    var store = SimulatedLevels()
    for start in [0, 1_000] as [UInt32] {
      Self.fillLevelZero(of: &store, start..<start + 60)
    }
    let picker = CompactionPicker(options: store.options)
    let first = try #require(picker.plan(for: store.state))
    store.running = [first]
    let second = try #require(picker.plan(for: store.state))
    #expect(store.flaw(of: second) == nil)
    #expect(first.segments.count == 8 && second.segments.count == 8)
    store.running.append(second)
    // What is flushed on top of them waits.
    Self.fillLevelZero(of: &store, 0..<60)
    #expect(picker.plan(for: store.state) == nil)
  }

  @Test func aDamagedSegmentIsNeverAnInputAndOthersGoOn() {
    var random = SeededRandom(seed: 4)
    var store = SimulatedLevels()
    for _ in 0..<40 { store.flush(Self.puts(64, below: 4_000, &random)) }
    store.settle()
    for _ in 0..<40 {
      store.flush(Self.puts(64, below: 4_000, &random))
      var state = store.state
      let damaged = store.segments.values.filter { $0.record.level == 6 }.map(\.record.number).max()
      state.unusable = Set([damaged].compactMap(\.self))
      let plan = CompactionPicker(options: store.options).plan(for: state)
      #expect(!(plan?.segments.contains { state.unusable.contains($0.number) } ?? false))
    }
  }
}
