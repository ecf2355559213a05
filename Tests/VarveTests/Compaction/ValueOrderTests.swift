import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

@Suite("Order of values")
struct ValueOrderTests {
  /// A store with a bucket and values in the order of their writing.
  private func store(_ random: inout SeededRandom, keys: Int = 400) -> SimulatedLevels {
    var store = SimulatedLevels()
    store.hasBucket = true
    for _ in 0..<30 {
      store.flush(
        CompactionPickerTests.puts(64, below: keys, &random), separatingValues: true)
      if random.oneIn(4) { store.settle() }
    }
    return store
  }

  /// Lays values out until nothing is left to lay out; returns the steps.
  private func layOut(_ store: inout SimulatedLevels) -> Int {
    var steps = 0
    while steps < 500, let plan = InputChooser(store.state, store.options).valueOrder(before: .max)
    {
      #expect(store.flaw(of: plan) == nil)
      store.carryOut(plan)
      steps += 1
    }
    return steps
  }

  /// Whether no more is left in the order of writing than must be written again besides.
  private func isOrdered(_ store: SimulatedLevels) -> Bool {
    let left = Set(store.valueFiles.keys).subtracting(store.ordered)
    let live = store.segments.values.map { $0.record.referencedBytes(in: left) }.reduce(0, +)
    return live < store.segmentBytes
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func valuesInTheOrderOfWritingAreMovedOnce(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var store = store(&random)
    let live = store.segments.values.flatMap(\.entries).filter { $0.file != nil }.count
    store.movedValueBytes = 0
    #expect(layOut(&store) > 0)
    #expect(store.flaw == nil && store.misread() == nil)
    #expect(isOrdered(store))
    #expect(store.movedValueBytes <= UInt64(live) * SimulatedLevels.valueBytes)
    #expect(layOut(&store) == 0)
  }

  @Test func whatTheBucketHasStaysWhereItIs() {
    var random = SeededRandom(seed: 1)
    var store = store(&random)
    store.uploaded = Set(store.valueFiles.keys)
    #expect(layOut(&store) == 0)
    let before = store.uploaded
    store.movedValueBytes = 0
    store.flush(CompactionPickerTests.puts(400, below: 2_000, &random), separatingValues: true)
    #expect(layOut(&store) == 1)
    // Others may go because nothing points to them any more, not because they were moved.
    #expect(store.movedValueBytes <= 400 * SimulatedLevels.valueBytes)
    #expect(store.valueFiles.keys.count { before.contains($0) } > before.count / 2)
  }

  @Test func noMoreDiskIsTakenThanOneStepNeeds() {
    var random = SeededRandom(seed: 3)
    var store = SimulatedLevels()
    store.hasBucket = true
    for _ in 0..<40 {
      store.flush(CompactionPickerTests.puts(200, below: 600, &random), separatingValues: true)
      store.settle()
    }
    let before = store.segmentBytes + store.valueFileBytes
    var (most, steps) = (before, 0)
    while let plan = InputChooser(store.state, store.options).valueOrder(before: .max) {
      let there = store.segmentBytes + store.valueFileBytes
      most = max(most, there + store.carryOut(plan))
      steps += 1
    }
    #expect(isOrdered(store))
    #expect(steps > 2)
    let step = store.options.largestInputBytes
    #expect(most <= before + 3 * step, "\(most - before), \(step)")
  }

  @Test func littleIsNotWorthTheRest() {
    var random = SeededRandom(seed: 2)
    var store = SimulatedLevels()
    store.hasBucket = true
    for _ in 0..<20 { store.flush(CompactionPickerTests.puts(64, below: 2_000, &random)) }
    _ = FullCompactionTests.compact(&store)
    store.flush(CompactionPickerTests.puts(4, below: 2_000, &random), separatingValues: true)
    #expect(layOut(&store) == 0)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func aFullCompactionBringsNeighboursTogether(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var store = store(&random)
    _ = layOut(&store)
    let full = FullCompaction(options: store.options, firstOwnNumber: store.nextNumber)
    let needed = full.neededBytes(store.state)
    let (steps, peak) = FullCompactionTests.compact(&store)
    #expect(steps < 500)
    #expect(peak <= needed, "said \(needed)")
    #expect(store.flaw == nil && store.misread() == nil)
    for segment in store.segments.values {
      #expect(segment.record.valueReferences.count <= 2)
    }
    #expect(FullCompactionTests.compact(&store).steps == 0)
  }
}
