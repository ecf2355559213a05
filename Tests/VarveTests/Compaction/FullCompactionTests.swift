import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

@Suite("Full compaction")
struct FullCompactionTests {
  /// Compacts everything; returns the free space it was found to need.
  static func compact(_ store: inout SimulatedLevels) -> (steps: Int, peak: UInt64) {
    let full = FullCompaction(options: store.options, firstOwnNumber: store.nextNumber)
    let start = store.segmentBytes + store.valueFileBytes
    var (steps, peak) = (0, UInt64(0))
    while steps < 2_000, let plan = full.next(store.state) {
      steps += 1
      // Outputs are complete before inputs go.
      let written = store.segmentBytes + store.valueFileBytes
      peak = max(peak, written + store.carryOut(plan))
    }
    return (steps, peak - min(peak, start))
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func leavesEverythingAtTheBottomAndNothingDead(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var store = SimulatedLevels(segmentBytes: seed % 2 == 0 ? 64 << 10 : 16 << 10)
    for _ in 0..<80 {
      store.flush(
        CompactionPickerTests.mixture(&random, now: store.now), separatingValues: random.oneIn(2))
      store.now += UInt64(random.below(5))
      if random.oneIn(4) { store.settle() }
    }
    store.sequence += 1
    // Segments that span its number stay what they are: that must not make them go round for ever.
    store.dropped[2] = store.sequence
    let full = FullCompaction(options: store.options, firstOwnNumber: store.nextNumber)
    let needed = full.neededBytes(store.state)
    let (steps, peak) = Self.compact(&store)
    #expect(steps < 2_000)
    #expect(peak <= needed, "said \(needed)")
    #expect(store.flaw == nil && store.misread() == nil)
    let entries = store.segments.values.flatMap(\.entries)
    #expect(store.segments.values.allSatisfy { $0.record.level == 6 })
    #expect(entries.allSatisfy { $0.kind != .delete && ($0.expiry == 0 || $0.expiry > store.now) })
    #expect(Set(entries.map(\.key)).count == entries.count)
    #expect(entries.allSatisfy { $0.key >> 24 != 2 })
    for file in store.valueFiles.values {
      let live =
        UInt64(entries.filter { $0.file == file.number }.count) * SimulatedLevels.valueBytes
      #expect(live * 100 >= file.valueBytes * 95)
    }
    #expect(full.next(store.state) == nil)
  }

  /// Others flush behind each step: what they write is not waited for.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func comesToAnEndWhileOthersWrite(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var store = SimulatedLevels(segmentBytes: seed % 2 == 0 ? 64 << 10 : 16 << 10)
    func write() {
      store.flush(
        CompactionPickerTests.mixture(&random, now: store.now), separatingValues: random.oneIn(2))
    }
    for _ in 0..<60 { write() }
    let full = FullCompaction(options: store.options, firstOwnNumber: store.nextNumber)
    var steps = 0
    while steps < 1_000, let plan = full.next(store.state) {
      steps += 1
      _ = store.carryOut(plan)
      write()
    }
    #expect(steps < 1_000)
    #expect(store.flaw == nil && store.misread() == nil)
    let before = store.segments.values.filter { $0.record.number < full.firstOwnNumber }
    #expect(before.allSatisfy { $0.record.level == 6 })
    #expect(store.segments.values.allSatisfy { [0, 6].contains($0.record.level) })
  }

  @Test func aSecondOneFindsNothingToDo() {
    var random = SeededRandom(seed: 3)
    var store = SimulatedLevels()
    for _ in 0..<60 {
      store.flush(
        CompactionPickerTests.mixture(&random, now: store.now), separatingValues: random.oneIn(2))
    }
    let first = Self.compact(&store).steps
    #expect(first > 0)
    let before = store.compactedBytes
    let second = Self.compact(&store).steps
    #expect(second == 0)
    #expect(store.compactedBytes == before)
  }

  @Test func keepsWhatSnapshotsReadAndStillComesToAnEnd() {
    for seed in 0..<4 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      var store = SimulatedLevels()
      for _ in 0..<60 {
        store.flush(CompactionPickerTests.mixture(&random, now: store.now))
        store.now += UInt64(random.below(9))
        if random.oneIn(12) { store.takeSnapshot() }
      }
      let withSnapshots = Self.compact(&store).steps
      #expect(withSnapshots < 200)
      #expect(store.flaw == nil && store.misread() == nil, "seed \(seed)")
      #expect(store.segments.values.allSatisfy { $0.record.level == 6 })
      store.snapshots = []
      let without = Self.compact(&store).steps
      #expect(without < 200)
      #expect(store.misread() == nil, "seed \(seed)")
      let entries = store.segments.values.flatMap(\.entries)
      #expect(entries.allSatisfy { $0.kind != .delete })
      #expect(Set(entries.map(\.key)).count == entries.count)
    }
  }

  @Test func aSmallStoreIsRewrittenAtMostOnce() {
    var random = SeededRandom(seed: 3)
    var store = SimulatedLevels()
    for _ in 0..<10 { store.flush(CompactionPickerTests.puts(64, below: 2_000, &random)) }
    let bytes = store.segmentBytes
    store.compactedBytes = 0
    let steps = Self.compact(&store).steps
    #expect(steps == 1)
    #expect(store.compactedBytes <= bytes)
  }
}
