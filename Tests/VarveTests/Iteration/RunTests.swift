import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

/// Walks over blocks, most of whose steps are taken inside of a run, show what the plain rules say.
@Suite struct RunTests {
  struct World {
    /// How the keys of a world look: what neighbours share, and where they differ.
    enum KeyShape: CaseIterable {
      case digits, longShared, onlyZeros, manyLengths
    }

    var entries: [OwnedEntry] = []
    var keys: [[UInt8]] = []
    var point: ReadPoint
    var lower: [UInt8]?
    var upper: [UInt8]?

    init(_ random: inout SeededRandom) {
      let shape = KeyShape.allCases[random.below(KeyShape.allCases.count)]
      keys = (0..<1 + random.below(200)).map { Self.key($0, shape) }
      let plainness = [2, 10, 100][random.below(3)]
      var sequence: UInt64 = 0
      for index in keys.indices.shuffled(using: &random) {
        for _ in 0..<(random.oneIn(plainness) ? 1 + random.below(12) : 1) {
          sequence += 1
          let kind = random.oneIn(2 * plainness) ? EntryKind.delete : .put
          let value = [UInt8](repeating: UInt8(sequence % 256), count: random.below(9))
          entries.append(
            OwnedEntry(
              keys[index], sequence, kind, expiry: random.oneIn(2 * plainness) ? 10 : 0,
              value: kind == .delete ? [] : value))
        }
      }
      let newest = random.oneIn(3) ? UInt64(random.below(Int(sequence) + 1)) : sequence
      point = ReadPoint(sequence: SequenceNumber(newest), time: UInt64(random.below(20)))
      if random.oneIn(2) { lower = keys[random.below(keys.count)] }
      if random.oneIn(2) { upper = keys[random.below(keys.count)] + [0] }
    }

    static func key(_ number: Int, _ shape: KeyShape) -> [UInt8] {
      let digits = [UInt8](String(10_000 + number).utf8)
      let user: [UInt8] =
        switch shape {
        case .digits: digits
        case .longShared:
          [UInt8]("a long run of shared bytes".utf8)
            + [UInt8](repeating: 7, count: number % 2 * 9) + digits
        case .onlyZeros: [UInt8](repeating: 0, count: number)
        case .manyLengths:
          [UInt8](repeating: 0xff, count: number / 40) + [UInt8(number % 40)]
        }
      return [0, 0, 0, 1] + user
    }

    var model: [OwnedEntry] {
      VisibleCursorTests.visible(entries, at: point, from: lower, to: upper)
    }

    /// The entries in so many segments of small blocks, and a memtable where there are more than one.
    func sources(_ count: Int, _ mode: ReadMode, _ random: inout SeededRandom) throws
      -> [EntrySource]
    {
      var dealt = [[OwnedEntry]](repeating: [], count: count)
      let bias = random.below(3)
      for entry in entries {
        dealt[bias == 0 ? random.below(count) : min(random.below(9 * bias), count - 1)].append(
          entry)
      }
      var sources: [EntrySource] = []
      let table = MemTable()
      for (index, part) in dealt.enumerated() where !part.isEmpty {
        if index > 1 {
          for entry in part.sorted(by: { $0.sequence < $1.sequence }) {
            entry.withView { table.insert($0) }
          }
        } else {
          var policy = SegmentBlockPolicy(blockBytes: 200 + random.below(900))
          policy.compression = random.oneIn(2) ? .none : .lz4
          let (file, _) = try SegmentFixture.write(part.sorted(), policy: policy)
          sources.append(.segment(SegmentCursor(try SegmentFixture.open(file, mode))))
        }
      }
      if !table.isEmpty { sources.append(EntrySource(table)) }
      return sources
    }
  }

  @Test(arguments: ReadMode.allCases, [1, 2, 3])
  func walksEqualTheModel(mode: ReadMode, sources: Int) throws {
    for seed in 0..<40 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let world = World(&random)
      var cursor = VisibleCursor(
        MergingCursor(try world.sources(sources, mode, &random)), at: world.point,
        from: world.lower, to: world.upper)
      try Self.walk(&cursor, world, &random, seed)
    }
  }

  /// The same acts on the cursor and on an index into the model: long walks and sudden turns.
  private static func walk(
    _ cursor: inout VisibleCursor<MergingCursor<EntrySource>>, _ world: World,
    _ random: inout SeededRandom, _ seed: UInt64
  ) throws {
    let model = world.model
    var index: Int?
    for act in 0..<30 {
      let key = world.keys[random.below(world.keys.count)]
      switch random.below(6) {
      case 0:
        try cursor.seekToFirst()
        index = 0
      case 1:
        try cursor.seekToLast()
        index = model.count - 1
      case 2:
        try key.withByteView { view throws(StoreError) in try cursor.seek(to: view) }
        index = model.firstIndex { !$0.key.lexicographicallyPrecedes(key) }
      case 3:
        try key.withByteView { view throws(StoreError) in try cursor.seek(before: view) }
        index = model.lastIndex { $0.key.lexicographicallyPrecedes(key) }
      default: break
      }
      let isForward = random.oneIn(2)
      for _ in 0..<random.below(random.oneIn(3) ? 250 : 5) {
        if let reached = index, !model.indices.contains(reached) { index = nil }
        let found = cursor.entry.map(OwnedEntry.init)
        if found != index.map({ model[$0] }) {
          Issue.record("seed \(seed) act \(act): \(found as Any) at \(index as Any)")
          return
        }
        if isForward { try cursor.next() } else { try cursor.previous() }
        index = index.map { isForward ? $0 + 1 : $0 - 1 }
      }
      if let reached = index, !model.indices.contains(reached) { index = nil }
    }
  }
}
