import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

@Suite("Merging cursor")
struct MergingCursorTests {
  /// Keys that tie in their first sixteen bytes as well as keys that differ at once.
  static let keys: [[UInt8]] = [
    [], [0], [0, 0], [0, 0, 0, 1], [0, 0, 0, 1, 97], [0, 0, 0, 1, 97, 0],
    [UInt8](repeating: 0, count: 15), [UInt8](repeating: 0, count: 16),
    [UInt8](repeating: 0, count: 17), [UInt8](repeating: 7, count: 16),
    [UInt8](repeating: 7, count: 16) + [0], [UInt8](repeating: 7, count: 16) + [1],
    [UInt8](repeating: 7, count: 40), [UInt8](repeating: 7, count: 39) + [8],
    [0xff], [UInt8](repeating: 0xff, count: 20),
  ]

  /// Some entries dealt to some sources; every version lies in one of them.
  static func deal(_ random: inout SeededRandom) -> (all: [OwnedEntry], dealt: [[OwnedEntry]]) {
    var dealt = [[OwnedEntry]](repeating: [], count: 1 + random.below(6))
    let count = random.below(40)
    for sequence in 0..<count {
      let entry = OwnedEntry(
        keys[random.below(keys.count)], UInt64(sequence + 1),
        random.oneIn(4) ? .delete : .put, value: [UInt8(sequence)])
      dealt[random.below(dealt.count)].append(entry)
    }
    return (dealt.flatMap(\.self).sorted(), dealt)
  }

  @Test func walksAllEntriesInOrderBothWays() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let (all, dealt) = Self.deal(&random)
      var cursor = MergingCursor(dealt.map { ArrayCursor($0) })
      #expect(cursor.entry == nil, "seed \(seed)")
      var seen: [OwnedEntry] = []
      try cursor.seekToFirst()
      while let entry = cursor.entry {
        seen.append(OwnedEntry(entry))
        try cursor.next()
      }
      #expect(seen == all, "forward, seed \(seed)")
      seen = []
      try cursor.seekToLast()
      while let entry = cursor.entry {
        seen.append(OwnedEntry(entry))
        try cursor.previous()
      }
      #expect(seen == all.reversed(), "backward, seed \(seed)")
    }
  }

  @Test func randomWalksEqualThePlainCursor() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let (all, dealt) = Self.deal(&random)
      var model = ArrayCursor(all)
      var cursor = MergingCursor(dealt.map { ArrayCursor($0) })
      for step in 0..<60 {
        let key = Self.keys[random.below(Self.keys.count)]
        let sequence = SequenceNumber(UInt64(random.below(45)))
        let act = random.below(14)
        try Self.perform(act, key, sequence, on: &model)
        try Self.perform(act, key, sequence, on: &cursor)
        let (expected, found) = (
          model.entry.map(OwnedEntry.init), cursor.entry.map(OwnedEntry.init)
        )
        if expected != found {
          Issue.record(
            "seed \(seed) step \(step) act \(act): \(found as Any), not \(expected as Any)")
          return
        }
      }
    }
  }

  static func perform(
    _ act: Int, _ key: [UInt8], _ sequence: SequenceNumber, on cursor: inout some EntryCursor
  ) throws(StoreError) {
    switch act {
    case 0: try cursor.seekToFirst()
    case 1: try cursor.seekToLast()
    case 2: try key.withByteView { view throws(StoreError) in try cursor.seek(view, sequence) }
    case 3:
      try key.withByteView { view throws(StoreError) in try cursor.seek(before: view, sequence) }
    case 4...8: try cursor.next()
    default: try cursor.previous()
    }
  }

  @Test func turnsRoundAtEveryPosition() throws {
    var random = SeededRandom(seed: 7)
    for _ in 0..<20 {
      let (all, dealt) = Self.deal(&random)
      for position in all.indices {
        var cursor = MergingCursor(dealt.map { ArrayCursor($0) })
        try cursor.seekToFirst()
        for _ in 0..<position { try cursor.next() }
        try cursor.previous()
        #expect(cursor.entry.map(OwnedEntry.init) == (position > 0 ? all[position - 1] : nil))
        guard position > 0 else { continue }
        try cursor.next()
        #expect(cursor.entry.map(OwnedEntry.init) == all[position])
      }
    }
  }

  @Test func anErrorOfAnySourceLeavesItStandingNowhere() throws {
    var random = SeededRandom(seed: 3)
    let (_, dealt) = Self.deal(&random)
    for failing in dealt.indices {
      for move in 1..<40 {
        let faults = ArrayCursor.Faults()
        faults.failAtMove = move
        var cursor = MergingCursor(
          dealt.indices.map { ArrayCursor(dealt[$0], $0 == failing ? faults : .init()) })
        do {
          for act in [0, 4, 4, 9, 4, 9, 9, 1, 9, 9, 4, 4, 9] + [Int](repeating: 9, count: 20) {
            try Self.perform(act, [], .zero, on: &cursor)
          }
        } catch {
          #expect(error.code == .corrupted)
          #expect(cursor.entry == nil)
          try cursor.next()
          try cursor.previous()
          #expect(cursor.entry == nil)
        }
        faults.failAtMove = .max
        try cursor.seekToFirst()
        #expect(cursor.entry != nil, "it can be used again")
      }
    }
  }

  @Test func staysInOrderWhileASourceGainsEntries() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let (all, dealt) = Self.deal(&random)
      let faults = ArrayCursor.Faults()
      // Sequences of the new entries are the moves at which they appear, far above the dealt ones.
      faults.added = (60..<100).map { OwnedEntry(Self.keys[random.below(16)], UInt64($0)) }
      faults.moves = 50
      var cursor = MergingCursor(
        [ArrayCursor([], faults)] + dealt.map { ArrayCursor($0) })
      try cursor.seekToFirst()
      var last: OwnedEntry?
      for _ in 0..<80 {
        let isForward = !random.oneIn(3)
        if isForward { try cursor.next() } else { try cursor.previous() }
        guard let entry = cursor.entry.map(OwnedEntry.init) else {
          try cursor.seekToFirst()
          last = cursor.entry.map(OwnedEntry.init)
          continue
        }
        if let last { #expect(isForward ? last < entry : entry < last, "seed \(seed)") }
        // No old entry is lost between two neighbours.
        if let last {
          let (low, high) = isForward ? (last, entry) : (entry, last)
          #expect(!all.contains { low < $0 && $0 < high }, "seed \(seed)")
        }
        last = entry
      }
    }
  }

  @Test func aSingleSourceIsMovedOncePerStep() throws {
    let faults = ArrayCursor.Faults()
    let entries = (1...20).map { OwnedEntry([UInt8($0)], 1) }
    var cursor = MergingCursor([ArrayCursor(entries, faults)])
    try cursor.seekToFirst()
    for _ in 0..<10 { try cursor.next() }
    for _ in 0..<5 { try cursor.previous() }
    #expect(faults.moves == 16)
  }
}
