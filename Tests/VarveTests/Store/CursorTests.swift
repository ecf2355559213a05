import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Cursors over a memtable, a frozen one, two segments of level 0 and two deeper levels, against a
/// sorted array.
@Suite struct StoreCursorTests {
  /// A store with three hundred keys written over and deleted in every layer, and what is in it.
  private static func withLayers(
    in setting: StoreSetting, _ body: (SegmentStore, Keyspace, [KeyValue]) throws -> Void
  ) throws {
    try setting.withStore(background: .none) { store in
      var random = SeededRandom(seed: 20)
      var model: [[UInt8]: [UInt8]] = [:]
      let keyspace = try store.keyspace("k")
      let (before, after) = (try store.keyspace("j"), try store.keyspace("l"))
      try store.write { layer in
        var batch = WriteBatch()
        for _ in 0..<120 {
          // Shared prefixes of different lengths, the empty key among them.
          let key = Array("key \(random.below(300))".utf8.prefix(random.below(40) == 0 ? 0 : 9))
          if random.below(4) == 0 {
            batch.delete(key, in: keyspace)
            model[key] = nil
          } else {
            let value = random.text(random.below(12) == 0 ? 3_000 : 20)
            batch.put(key, value, in: keyspace)
            model[key] = value
          }
        }
        // Neighbours that no cursor of the keyspace may show.
        batch.put([0xff, 0xff], "\(layer)", in: before)
        batch.put([], "\(layer)", in: after)
        try store.commit(batch, durability: .buffered)
      }
      let metrics = store.metrics()
      #expect(metrics.levels[0].segments == 2 && metrics.frozenMemTables == 1)
      #expect(metrics.levels[5].segments == 1 && metrics.levels[6].segments == 1)
      let sorted = model.map { KeyValue($0.key, $0.value) }
        .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      try body(store, keyspace, sorted)
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func bothWaysShowWhatIsThere(in setting: StoreSetting) throws {
    try Self.withLayers(in: setting) { store, keyspace, model in
      let up = try keyspace.entries() == model
      let down = try keyspace.entries(order: .descending) == Array(model.reversed())
      #expect(up && down)
      try store.flush()
      let flushed = try keyspace.entries() == model
      try store.compact()
      let compacted = try keyspace.entries(order: .descending) == Array(model.reversed())
      #expect(flushed && compacted)
      // Keys alone: the same, with no value.
      var cursor = try keyspace.cursor(readsValues: false)
      var keys: [[UInt8]] = []
      while try cursor.next() {
        keys.append([UInt8](copying: cursor.key))
        if !cursor.value.isEmpty { Issue.record("a value was read") }
      }
      let hasAll = keys == model.map(\.key)
      #expect(hasAll)
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func rangesAndPrefixesEndWhereTheySay(in setting: StoreSetting) throws {
    try Self.withLayers(in: setting) { _, keyspace, model in
      var random = SeededRandom(seed: 21)
      let bounds =
        ["", "key", "key ", "key 1", "key 10", "key 2", "key 299", "key 3", "l", "\u{7f}"]
        .map { Array($0.utf8) } + [[0xff], [0xff, 0xff, 0xff]]
      for _ in 0..<60 {
        let lower = random.below(8) == 0 ? nil : bounds[random.below(bounds.count)]
        let upper = random.below(8) == 0 ? nil : bounds[random.below(bounds.count)]
        let range = KeyRange(from: lower, to: upper)
        let expected = model.filter { entry in
          !(lower.map { entry.key.lexicographicallyPrecedes($0) } ?? false)
            && (upper.map { entry.key.lexicographicallyPrecedes($0) } ?? true)
        }
        let up = try keyspace.entries(range) == expected
        let down = try keyspace.entries(range, order: .descending) == Array(expected.reversed())
        #expect(up && down, "from \(lower ?? []) to \(upper ?? [])")
      }
      for prefix in bounds {
        let expected = model.filter { $0.key.starts(with: prefix) }
        let isRight = try keyspace.entries(KeyRange(prefix: prefix)) == expected
        #expect(isRight, "prefix \(prefix)")
        var cursor = try keyspace.cursor(prefix: prefix, order: .descending)
        #expect(try cursor.next() == !expected.isEmpty)
        #expect([UInt8](copying: cursor.key) == expected.last?.key ?? [])
      }
      var texts: [String] = []
      try keyspace.forEach(in: "key 10"..<"key 12") { key, _ in texts.append(String(copying: key)) }
      #expect(
        texts
          == model.map { String(decoding: $0.key, as: UTF8.self) }
          .filter { $0 >= "key 10" && $0 < "key 12" })
    }
  }

  /// A walk of random steps and seeks: after each the cursor stands where the array says.
  @Test(arguments: StoreSetting.allCases)
  func everyTurnAndSeekAgreesWithASortedArray(in setting: StoreSetting) throws {
    try Self.withLayers(in: setting) { _, keyspace, model in
      for order in [ScanOrder.ascending, .descending] {
        let entries = order == .ascending ? model : model.reversed()
        for seed in 1...3 as ClosedRange<UInt64> {
          let problem = try Self.walk(keyspace, order, entries, SeededRandom(seed: seed))
          #expect(problem == nil, "seed \(seed), \(order)")
        }
      }
    }
  }

  private static func walk(
    _ keyspace: Keyspace, _ order: ScanOrder, _ entries: [KeyValue], _ seeded: SeededRandom
  ) throws -> String? {
    var random = seeded
    var cursor = try keyspace.cursor(order: order)
    var position: Int?
    for step in 0..<600 {
      let stands: Bool
      switch (random.below(10), position) {
      case (0, _), (_, nil):
        let key = Array("key \(random.below(310))".utf8)
        stands = try cursor.seek(to: key)
        position = entries.firstIndex {
          order == .ascending
            ? !$0.key.lexicographicallyPrecedes(key) : !key.lexicographicallyPrecedes($0.key)
        }
      case (1...5, let index?):
        stands = try cursor.next()
        position = index + 1 < entries.count ? index + 1 : nil
      case (_, let index?):
        stands = try cursor.previous()
        position = index > 0 ? index - 1 : nil
      }
      guard stands == (position != nil) else { return "step \(step): stands \(stands)" }
      let (key, value) = ([UInt8](copying: cursor.key), [UInt8](copying: cursor.value))
      let expected = position.map { entries[$0] } ?? KeyValue([], [])
      guard KeyValue(key, value) == expected else {
        return "step \(step): \(String(decoding: key, as: UTF8.self)) instead of "
          + String(decoding: expected.key, as: UTF8.self)
      }
    }
    return nil
  }

  /// From each key on: turn around at once, and again.
  @Test(arguments: StoreSetting.allCases)
  func turningAtEachPositionShowsTheNeighbours(in setting: StoreSetting) throws {
    try Self.withLayers(in: setting) { _, keyspace, model in
      for order in [ScanOrder.ascending, .descending] {
        let keys = (order == .ascending ? model : model.reversed()).map(\.key)
        for index in 1..<keys.count - 1 {
          var cursor = try keyspace.cursor(order: order)
          _ = try cursor.seek(to: keys[index])
          var seen = [[UInt8](copying: cursor.key)]
          for isForward in [true, false, false, true] {
            _ = isForward ? try cursor.next() : try cursor.previous()
            seen.append([UInt8](copying: cursor.key))
          }
          let expected = [0, 1, 0, -1, 0].map { keys[index + $0] }
          if seen != expected { Issue.record("\(order), turning at \(index)") }
        }
      }
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aCursorBehindTheEndStaysThereAndOneOverNothingFindsNothing(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      for order in [ScanOrder.ascending, .descending] {
        var cursor = try keyspace.cursor(order: order)
        #expect(try !cursor.next() && !cursor.next() && !cursor.previous())
        #expect(try cursor.seek(to: "a") == false)
        #expect(cursor.key.isEmpty && cursor.value.isEmpty && cursor.expiry == nil)
      }
      try keyspace.put("a", "1")
      var cursor = try keyspace.cursor()
      #expect(try cursor.next() && !cursor.next() && !cursor.next() && !cursor.previous())
      #expect(try cursor.seek(to: "") && String(copying: cursor.key) == "a")
      #expect(try cursor.seek(to: "b") == false)
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aCursorTellsWhenAnEntryExpires(in setting: StoreSetting) throws {
    let clock = SimulatedClock()
    try setting.withStore(clock: clock) { store in
      let keyspace = try store.keyspace("k")
      try keyspace.put("a", "1", expiresIn: 1_000)
      try keyspace.put("b", "2")
      for isFlushed in [false, true] {
        if isFlushed { try store.flush() }
        var cursor = try keyspace.cursor()
        #expect(try cursor.next() && cursor.expiry == clock.wallMilliseconds() + 1_000)
        #expect(try cursor.next() && cursor.expiry == nil)
      }
    }
  }
}
