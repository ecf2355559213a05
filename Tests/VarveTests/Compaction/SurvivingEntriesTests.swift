import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

@Suite("Surviving entries")
struct SurvivingEntriesTests {
  /// A store's worth of small histories, a set of readers, and data below for some keys.
  struct World {
    var entries: [OwnedEntry] = []
    var points: [ReadPoint] = []
    var below: Set<[UInt8]> = []
    static let droppedKeyspace: UInt8 = 3

    init(_ random: inout SeededRandom) {
      let count = random.below(60)
      for sequence in 0..<count {
        entries.append(
          OwnedEntry(
            World.key(&random), UInt64(10 + sequence), random.oneIn(3) ? .delete : .put,
            expiry: random.oneIn(3) ? UInt64(1 + random.below(30)) : 0, value: [UInt8(sequence)]))
      }
      var (sequence, time) = (0, 0)
      for _ in 0..<random.below(4) {
        sequence += random.below(25)
        time += random.below(10)
        points.append(
          ReadPoint(sequence: SequenceNumber(UInt64(sequence)), time: UInt64(time)))
      }
      points.append(ReadPoint(sequence: SequenceNumber(100), time: UInt64(time + random.below(9))))
      for _ in 0..<random.below(4) { below.insert(World.key(&random)) }
    }

    static func key(_ random: inout SeededRandom) -> [UInt8] {
      [0, 0, 0, UInt8(2 + random.below(3)), UInt8(random.below(4))]
    }

    func rules(dropsAt sequence: UInt64?) -> DropRules {
      DropRules(points, .dropping(sequence.map { [UInt32(World.droppedKeyspace): $0] } ?? [:]))
    }

    func survivors(
      _ rules: DropRules, _ random: inout SeededRandom, isLowest: Bool = false
    ) throws -> [OwnedEntry] {
      var dealt = [[OwnedEntry]](repeating: [], count: 3)
      for entry in entries { dealt[random.below(3)].append(entry) }
      var merged = MergingCursor(dealt.map { ArrayCursor($0) })
      try merged.seekToFirst()
      let below = below
      var survivors = SurvivingEntries(merged, rules, isLowest: isLowest) {
        below.contains($0.array)
      }
      var kept: [OwnedEntry] = []
      while let entry = try survivors.next() { kept.append(OwnedEntry(entry)) }
      return kept
    }
  }

  /// Where nothing lies deeper, what everybody sees is given one sequence number, and the rest keeps
  /// its own: no reader can tell.
  @Test func whatIsSettledHasOneSequenceNumberAndIsReadAsBefore() throws {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      var world = World(&random)
      world.below = []
      let rules = world.rules(dropsAt: nil)
      var other = random
      let plain = try world.survivors(rules, &random)
      let settled = try world.survivors(rules, &other, isLowest: true)
      let oldest = rules.oldest.sequence.rawValue
      let isSame =
        plain.count == settled.count
        && zip(plain, settled).allSatisfy { before, after in
          var expected = before
          if before.kind != .delete, before.sequence <= oldest {
            expected.sequence = DropRules.settledSequence.rawValue
          }
          return after == expected
        }
      #expect(isSame, "seed \(seed)")
      for point in rules.snapshots + [rules.current] {
        let keys = Set(plain.map(\.key))
        let sequence = point.sequence.rawValue
        let isReadAlike = keys.allSatisfy { key in
          let old = plain.first { $0.key == key && $0.sequence <= sequence }
          let new = settled.first { $0.key == key && $0.sequence <= sequence }
          return old?.value == new?.value && old?.kind == new?.kind
        }
        #expect(isReadAlike, "seed \(seed)")
      }
      let numbers = zip(settled, settled.dropFirst())
      #expect(numbers.allSatisfy { $0.key != $1.key || $0.sequence > $1.sequence }, "seed \(seed)")
    }
  }

  @Test func everyReaderReadsTheSameBeforeAndAfter() throws {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let world = World(&random)
      let kept = try world.survivors(world.rules(dropsAt: nil), &random)
      #expect(kept == kept.sorted() && Set(kept).count == kept.count, "seed \(seed)")
      let older = world.below.map { OwnedEntry($0, 1, value: [0xbb]) }
      for point in world.points {
        let before = VisibleCursorTests.visible(
          world.entries + older, at: point, from: nil, to: nil)
        let after = VisibleCursorTests.visible(kept + older, at: point, from: nil, to: nil)
        #expect(before == after, "seed \(seed) at \(point)")
      }
    }
  }

  @Test func aDroppedKeyspaceLeavesNothingBehind() throws {
    for seed in 0..<100 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      var world = World(&random)
      let isOlderThanSnapshots = random.oneIn(2)
      if !isOlderThanSnapshots { world.points = [world.points.last].compactMap(\.self) }
      let drop = isOlderThanSnapshots ? world.points[0].sequence.rawValue : 100
      let kept = try world.survivors(world.rules(dropsAt: drop), &random)
      #expect(!kept.contains { $0.key[3] == World.droppedKeyspace }, "seed \(seed)")
      let plain = try world.survivors(world.rules(dropsAt: nil), &random)
      #expect(kept == plain.filter { $0.key[3] != World.droppedKeyspace }, "seed \(seed)")
    }
  }

  @Test func anInputThatFailsNeverLooksLikeAShortOne() throws {
    var random = SeededRandom(seed: 5)
    var world = World(&random)
    while world.entries.count < 20 { world = World(&random) }
    for move in 2...20 {
      let faults = ArrayCursor.Faults()
      faults.failAtMove = move
      var source = ArrayCursor(world.entries, faults)
      try source.seekToFirst()
      var survivors = SurvivingEntries(source, world.rules(dropsAt: nil)) { _ in true }
      var thrown = 0
      for _ in 0..<100 {
        do { while try survivors.next() != nil {} } catch { thrown += 1 }
      }
      #expect(thrown == 100)
    }
  }

  /// What lies behind the end is another's to read, however little of it survives.
  @Test func readsNoFurtherThanTheFirstEntryBehindItsEnd() throws {
    let keys = (0..<100).map { [0, 0, 0, 1, UInt8($0)] as [UInt8] }
    var entries = keys.enumerated().map { OwnedEntry($1, UInt64($0 + 1), .delete) }
    entries += keys[..<50].map { OwnedEntry($0, 900) }
    let points = [ReadPoint(sequence: SequenceNumber(1_000), time: 0)]
    for (end, reached) in [(50, 50), (70, 50), (0, 0), (30, 30)] {
      let faults = ArrayCursor.Faults()
      var source = ArrayCursor(entries, faults)
      try source.seekToFirst()
      var survivors = SurvivingEntries(source, DropRules(points), before: keys[end]) { _ in false }
      var kept: [OwnedEntry] = []
      for _ in 0..<200 { if let entry = try survivors.next() { kept.append(OwnedEntry(entry)) } }
      #expect(kept.map(\.key) == Array(keys[..<reached]))
      // Two versions of the first fifty keys, one of the others; standing on what is behind the end.
      let passed = entries.filter { $0.key.lexicographicallyPrecedes(keys[end]) }.count
      #expect(faults.moves == 1 + passed)
    }
  }

  @Test func asksOnceForEachKeyWhetherOlderDataLiesDeeper() throws {
    let entries = [
      OwnedEntry([0, 0, 0, 1, 1], 5, .delete), OwnedEntry([0, 0, 0, 1, 1], 4, .delete),
      OwnedEntry([0, 0, 0, 1, 2], 6), OwnedEntry([0, 0, 0, 1, 3], 7, .delete),
    ]
    var source = ArrayCursor(entries)
    try source.seekToFirst()
    var asked: [[UInt8]] = []
    let points = [ReadPoint(sequence: SequenceNumber(9), time: 0)]
    var kept: [OwnedEntry] = []
    try withoutActuallyEscaping({ (key: ByteView) in
      asked.append(key.array)
      return key.array.last == 1
    }) { question in
      var survivors = SurvivingEntries(source, DropRules(points), mayHaveOlder: question)
      while let entry = try survivors.next() { kept.append(OwnedEntry(entry)) }
    }
    #expect(asked == [[0, 0, 0, 1, 1], [0, 0, 0, 1, 3]])
    #expect(kept == [entries[0], entries[2]])
  }
}
