import Testing
import VarveTestSupport

@testable import Varve

/// When frozen memtables become a segment: decided without a store, then done by one.
@Suite struct FlushRuleTests {
  private static func derived(_ budget: Int) -> DerivedOptions {
    var options = StoreOptions()
    options.memoryBudget = budget
    return DerivedOptions(options)
  }

  @Test(arguments: [8 << 20, 512 << 20, 1 << 30, 8 << 30])
  func memtablesTakeAtMostHalfOfTheBudget(budget: Int) {
    let derived = Self.derived(budget)
    #expect((derived.frozenMemTables + 1) * derived.memTableBytes <= budget / 2)
    #expect((2...derived.frozenMemTables).contains(derived.gatheredMemTables))
  }

  @Test func aFlushGathersSeveralMemtablesOrManyValues() {
    let derived = Self.derived(1 << 30)
    let gathered = derived.gatheredMemTables
    #expect(!FlushRule.isDue(tables: 0, valueBytes: 0, derived))
    #expect(!FlushRule.isDue(tables: gathered - 1, valueBytes: 0, derived))
    #expect(FlushRule.isDue(tables: gathered, valueBytes: 0, derived))
    let most = derived.unflushedValueBytes
    #expect(!FlushRule.isDue(tables: 1, valueBytes: most - 1, derived))
    #expect(FlushRule.isDue(tables: 1, valueBytes: most, derived))
  }

  /// A single frozen memtable waits for others, but not when nobody writes.
  @Test func whatWasGatheredIsFlushedWhenWritersRest() throws {
    try FileSystemKind.posix.withStores(background: .threads) { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      let value = [UInt8](repeating: 1, count: 500)
      var key = 0
      while store.metrics().frozenMemTables == 0, key < 100_000 {
        try keyspace.put("key \(key)", value, durability: .buffered)
        key += 1
      }
      #expect(StorePauseTests.waits { store.metrics().flushes > 0 })
      #expect(store.metrics().frozenMemTables == 0)
      try store.close()
    }
  }
}
