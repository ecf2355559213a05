import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A cursor that is refreshed shows what a new one would.
@Suite struct RefreshBehaviourTests {
  @Test(arguments: StoreSetting.allCases)
  func aRefreshedCursorShowsWhatWasWrittenSince(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      try keyspace.put("b", "1")
      try store.flush()
      // Made while the memtable is empty, which is then no part of it.
      var cursor = try keyspace.cursor()
      #expect(try cursor.seek(to: "b"))
      try keyspace.put("c", "2")
      #expect(try cursor.next() == false)
      try cursor.refresh()
      let isNothingLent = cursor.key.isEmpty
      #expect(isNothingLent)
      #expect(try cursor.texts() == ["b 1", "c 2"])
      // The same memtable holds more.
      try keyspace.put("a", "3")
      try keyspace.delete("b")
      try cursor.refresh()
      #expect(try cursor.texts() == ["a 3", "c 2"])
      // Other files.
      try store.compact()
      try keyspace.put("d", "4")
      try cursor.refresh()
      #expect(try cursor.seek(to: "b"))
      #expect(try cursor.texts() == ["c 2", "d 4"], "on from where it was sought")
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func aCursorOfASnapshotKeepsToIt(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      try keyspace.put("a", "1")
      let snapshot = try store.snapshot()
      var cursor = try keyspace.cursor(at: snapshot)
      #expect(try cursor.texts() == ["a 1"])
      try keyspace.put("b", "2")
      try store.compact()
      try cursor.refresh()
      #expect(try cursor.texts() == ["a 1"])
    }
  }

  @Test func refreshingWhatIsGoneIsAnError() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open()
    let keyspace = try store.keyspace("k")
    try keyspace.put("a", "1")
    var cursor = try keyspace.cursor()
    #expect(try cursor.next())
    try store.dropKeyspace("k")
    #expect(try storeFailure { try cursor.refresh() }?.code == .notFound)
    #expect(String(copying: cursor.key) == "a", "it stands where it stood")
    var other = try store.keyspace("other").cursor()
    try store.close()
    #expect(try storeFailure { try other.refresh() }?.code == .closed)
  }

  /// All of the new moment is shown, or an error and all of the old one.
  @Test func aRefreshThatFailsChangesNothing() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let keyspace = try store.keyspace("k")
    for key in ["a", "b", "c"] { try keyspace.put(key, "1") }
    var cursor = try keyspace.cursor()
    // Not the first one, which a cursor that was reset finds too.
    #expect(try cursor.seek(to: "b"))
    try keyspace.put("b", "2")
    try store.flush()
    // Only a new source has it: one that is taken for current must be.
    try keyspace.put("d", "2")
    disk.inject(Fault(nil, "segment-", lasts: .forGood))
    for _ in 0..<2 { #expect(try storeFailure { try cursor.refresh() } != nil) }
    #expect(try cursor.texts() == ["b 1", "c 1"])
    disk.clearFaults()
    try cursor.refresh()
    #expect(try cursor.texts() == ["a 1", "b 2", "c 1", "d 2"])
  }

  /// Random writes that fill memtables and many segments, flushes and compactions; now and then a kept
  /// cursor is refreshed and compared with a new one, in both orders and within bounds.
  @Test(arguments: 1...UInt64(3))
  func aKeptCursorAgreesWithANewOne(seed: UInt64) throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open { $0.segmentBytes = 64 << 10 }
    let keyspace = try store.keyspace("k")
    var random = SeededRandom(seed: seed)
    let order: ScanOrder = seed % 2 == 0 ? .ascending : .descending
    let range = seed % 3 == 0 ? KeyRange("key 2"..<"key 7") : .all
    var kept = try keyspace.cursor(range, order: order)
    for key in 0..<300 {
      try keyspace.put("key \(key)", random.bytes(900), durability: .buffered)
    }
    try store.compact()
    #expect(store.metrics().levels.map(\.segments).max() ?? 0 > 2)
    for step in 0..<400 {
      let key = "key \(random.below(300))"
      switch random.below(20) {
      case 0: try store.flush()
      case 1: try store.compact()
      case 2...4: try keyspace.delete(key)
      case 5...12: try keyspace.put(key, random.bytes(900), durability: .buffered)
      default:
        var fresh = try keyspace.cursor(range, order: order)
        try kept.refresh()
        if random.below(2) == 0 {
          #expect(try kept.seek(to: key) == fresh.seek(to: key))
          #expect(try kept.previous() == fresh.previous())
        }
        let agree = try kept.rest() == fresh.rest()
        #expect(agree, "seed \(seed), step \(step)")
      }
    }
  }
}

extension Cursor {
  /// The rest of its walk, from where it stands.
  fileprivate mutating func rest() throws(StoreError) -> [[UInt8]] {
    var rest: [[UInt8]] = []
    if !key.isEmpty { rest += [[UInt8](copying: key), [UInt8](copying: value)] }
    while try next() { rest += [[UInt8](copying: key), [UInt8](copying: value)] }
    return rest
  }

  /// The same as texts: each key with its value.
  fileprivate mutating func texts() throws(StoreError) -> [String] {
    let texts = try rest().map { String(decoding: $0, as: UTF8.self) }
    return stride(from: 0, to: texts.count, by: 2).map { texts[$0] + " " + texts[$0 + 1] }
  }
}
