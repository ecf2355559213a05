import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

@Suite("Visible cursor")
struct VisibleCursorTests {
  /// What a reader sees, by the plain definition.
  static func visible(
    _ entries: [OwnedEntry], at point: ReadPoint, from lower: [UInt8]?, to upper: [UInt8]?
  ) -> [OwnedEntry] {
    Dictionary(grouping: entries.filter { $0.sequence <= point.sequence.rawValue }, by: \.key)
      .values.compactMap { versions in versions.max { $0.sequence < $1.sequence } }
      .filter { $0.kind != .delete && ($0.expiry == 0 || $0.expiry > point.time) }
      .filter { entry in
        !(lower.map { entry.key.lexicographicallyPrecedes($0) } ?? false)
          && (upper.map { entry.key.lexicographicallyPrecedes($0) } ?? true)
      }
      .sorted()
  }

  struct World {
    var entries: [OwnedEntry] = []
    var point = ReadPoint(sequence: .zero, time: 0)
    var lower: [UInt8]?
    var upper: [UInt8]?

    /// Few keys with few or many versions each, some values too large to be copied.
    init(_ random: inout SeededRandom) {
      let (keys, count) = (1 + random.below(8), random.below(60))
      for sequence in 0..<count {
        let large = random.oneIn(20)
        entries.append(
          OwnedEntry(
            World.key(random.below(keys)), UInt64(sequence + 1),
            random.oneIn(3) ? .delete : random.oneIn(4) ? .pointer : .put,
            expiry: random.oneIn(3) ? UInt64(1 + random.below(20)) : 0,
            value: [UInt8](repeating: UInt8(sequence), count: large ? 17 << 10 : random.below(40))))
      }
      point = ReadPoint(
        sequence: SequenceNumber(UInt64(random.below(count + 3))), time: UInt64(random.below(22)))
      if random.oneIn(2) { lower = World.key(random.below(9)) }
      if random.oneIn(2) { upper = World.key(random.below(9)) }
    }

    static func key(_ number: Int) -> [UInt8] {
      [0, 0, 0, 1] + [UInt8](repeating: 5, count: number / 3 * 8) + [UInt8(number)]
    }

    var model: [OwnedEntry] { visible(entries, at: point, from: lower, to: upper) }

    func cursor(_ faults: ArrayCursor.Faults = .init()) -> VisibleCursor<ArrayCursor> {
      VisibleCursor(ArrayCursor(entries, faults), at: point, from: lower, to: upper)
    }
  }

  @Test func walksWhatTheReaderSeesBothWays() throws {
    for seed in 0..<400 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let world = World(&random)
      var cursor = world.cursor()
      var seen: [OwnedEntry] = []
      try cursor.seekToFirst()
      while let entry = cursor.entry {
        seen.append(OwnedEntry(entry))
        try cursor.next()
      }
      #expect(seen == world.model, "forward, seed \(seed)")
      seen = []
      try cursor.seekToLast()
      while let entry = cursor.entry {
        seen.append(OwnedEntry(entry))
        try cursor.previous()
      }
      #expect(seen == world.model.reversed(), "backward, seed \(seed)")
    }
  }

  /// The same acts on the cursor and on an index into the model.
  @Test(arguments: [false, true])
  func randomWalksEqualTheModel(isMerging: Bool) throws {
    for seed in 0..<400 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let world = World(&random)
      if isMerging {
        var dealt = [[OwnedEntry]](repeating: [], count: 3)
        for entry in world.entries { dealt[random.below(3)].append(entry) }
        let merged = MergingCursor(dealt.map { ArrayCursor($0) })
        var cursor = VisibleCursor(merged, at: world.point, from: world.lower, to: world.upper)
        try Self.walk(&cursor, world.model, &random, seed)
      } else {
        var cursor = world.cursor()
        try Self.walk(&cursor, world.model, &random, seed)
      }
    }
  }

  static func walk<Source: EntryCursor>(
    _ cursor: inout VisibleCursor<Source>, _ model: [OwnedEntry], _ random: inout SeededRandom,
    _ seed: UInt64
  ) throws {
    var index: Int?
    for step in 0..<50 {
      let key = World.key(random.below(9))
      let act = random.below(12)
      switch act {
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
      case 4...7:
        try cursor.next()
        index = index.map { $0 + 1 }
      default:
        try cursor.previous()
        index = index.map { $0 - 1 }
      }
      if let reached = index, !model.indices.contains(reached) { index = nil }
      let found = cursor.entry.map(OwnedEntry.init)
      if found != index.map({ model[$0] }) {
        Issue.record("seed \(seed) step \(step) act \(act): \(found as Any) at \(index as Any)")
        return
      }
    }
  }

  @Test func seeksByAKeyTheCursorItselfLends() throws {
    let entries = (1...9).map { OwnedEntry([UInt8($0)], 1) }
    var cursor = VisibleCursor(
      ArrayCursor(entries), at: ReadPoint(sequence: .max, time: 0), from: nil, to: nil)
    try cursor.seekToLast()
    let held = cursor.entry?.key ?? .empty
    try cursor.seek(to: held)
    #expect(cursor.entry?.key.array == [9])
    let lent = cursor.entry?.key ?? .empty
    try cursor.seek(before: lent)
    #expect(cursor.entry?.key.array == [8])
  }

  @Test func manyVersionsOfOneKeyCostBoundedMoves() throws {
    // A thousand versions of each key, the reader in the middle of them.
    var entries: [OwnedEntry] = []
    for sequence in 1...3000 as ClosedRange<UInt64> {
      entries.append(OwnedEntry([UInt8(sequence % 3)], sequence))
    }
    let faults = ArrayCursor.Faults()
    var cursor = VisibleCursor(
      ArrayCursor(entries, faults), at: ReadPoint(sequence: SequenceNumber(1500), time: 0),
      from: nil, to: nil)
    try cursor.seekToFirst()
    try cursor.next()
    try cursor.next()
    #expect(cursor.entry?.key.array == [2])
    try cursor.previous()
    try cursor.previous()
    #expect(cursor.entry?.key.array == [0])
    try cursor.previous()
    #expect(cursor.entry == nil)
    #expect(faults.moves < 120)
  }

  @Test func aRunOfDeletesCostsOneMoveEachAndIsCounted() throws {
    let entries = (0..<200).map { OwnedEntry([UInt8($0)], UInt64($0 + 1), .delete) }
    for isForward in [true, false] {
      let faults = ArrayCursor.Faults()
      var cursor = VisibleCursor(
        ArrayCursor(entries, faults), at: ReadPoint(sequence: .max, time: 0), from: nil, to: nil)
      if isForward { try cursor.seekToFirst() } else { try cursor.seekToLast() }
      #expect(cursor.entry == nil)
      #expect(cursor.skippedEntries == 200)
      #expect(faults.moves == 201)
      #expect(faults.seeks == 1)
    }
  }

  @Test func anExpiredPutHidesOlderVersionsAsADeleteWould() throws {
    let entries = [
      OwnedEntry([1], 1), OwnedEntry([1], 2, expiry: 50), OwnedEntry([2], 3, expiry: 51),
    ]
    for isForward in [true, false] {
      var cursor = VisibleCursor(
        ArrayCursor(entries), at: ReadPoint(sequence: .max, time: 50), from: nil, to: nil)
      if isForward { try cursor.seekToFirst() } else { try cursor.seekToLast() }
      #expect(cursor.entry?.key.array == [2])
      if isForward { try cursor.next() } else { try cursor.previous() }
      #expect(cursor.entry == nil)
    }
  }

  @Test func valuesCopiedOnTheWayBackStayAlignedForVectors() throws {
    let entries = (1...5).map { OwnedEntry([UInt8($0)], 1, value: .init(repeating: 1, count: 48)) }
    var cursor = VisibleCursor(
      ArrayCursor(entries), at: ReadPoint(sequence: .max, time: 0), from: nil, to: nil)
    try cursor.seekToLast()
    while let entry = cursor.entry {
      #expect(unsafe UInt(bitPattern: entry.value.start) % 64 == 0)
      try cursor.previous()
    }
  }

  @Test func anErrorLeavesItStandingNowhereAndAScanNeverEndsInSilence() throws {
    var random = SeededRandom(seed: 11)
    var world = World(&random)
    while world.model.count < 3 { world = World(&random) }
    for move in 1..<200 {
      let faults = ArrayCursor.Faults()
      faults.failAtMove = move
      var cursor = world.cursor(faults)
      var count = 0
      do {
        if move.isMultiple(of: 2) {
          try cursor.seekToFirst()
          while cursor.entry != nil {
            count += 1
            try cursor.next()
          }
        } else {
          try cursor.seekToLast()
          while cursor.entry != nil {
            count += 1
            try cursor.previous()
          }
        }
        #expect(faults.moves < move && count == world.model.count)
      } catch {
        #expect(faults.moves == move)
        #expect(cursor.entry == nil)
        try cursor.next()
        #expect(cursor.entry == nil)
      }
    }
  }

  @Test func refusesARangeDeleteItDoesNotUnderstand() throws {
    var cursor = VisibleCursor(
      ArrayCursor([OwnedEntry([1], 1, .rangeDelete)]), at: ReadPoint(sequence: .max, time: 0),
      from: nil, to: nil)
    do {
      try cursor.seekToFirst()
      Issue.record("passed over in silence")
    } catch {
      #expect(error.code == .incompatible)
    }
  }
}

extension VisibleCursor {
  /// Between two engine keys; nil for no bound.
  init(_ source: Source, at readPoint: ReadPoint, from lower: [UInt8]?, to upper: [UInt8]?) {
    let beyondAll = [UInt8](repeating: 0xff, count: Limits.engineKeyBytes + 1)
    self.init(
      source, at: readPoint, within: EngineBounds(from: lower ?? [], to: upper ?? beyondAll))
  }
}
