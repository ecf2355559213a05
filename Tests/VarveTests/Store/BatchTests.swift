import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct StoreBatchTests {
  @Test(arguments: StoreSetting.allCases)
  func aBatchIsWholeAcrossKeyspacesBeforeAndAfterReopening(in setting: StoreSetting) throws {
    try setting.withStores { open in
      var store = try open()
      var batch = WriteBatch()
      for name in ["a", "b", "c"] {
        let keyspace = try store.keyspace(name)
        batch.put("small", "\(name) 1", in: keyspace)
        batch.put("large", [UInt8](repeating: 7, count: 70_000), in: keyspace)
        batch.delete("absent", in: keyspace)
      }
      #expect(batch.count == 9)
      try store.commit(batch)
      for round in 0..<3 {
        for name in ["a", "b", "c"] {
          let keyspace = try #require(try store.existingKeyspace(name))
          #expect(try keyspace.text("small") == "\(name) 1", "round \(round)")
          #expect(try keyspace.size(ofValueFor: "large") == 70_000, "round \(round)")
          #expect(try keyspace.contains("absent") == false)
        }
        if round == 1 { try store.flush() }
        try store.close()
        store = try open()
      }
      try store.close()
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func theLastWriteOfAKeyInABatchWins(in setting: StoreSetting) throws {
    try setting.withStore { store in
      let keyspace = try store.keyspace("k")
      var batch = WriteBatch()
      batch.put("put twice", "first", in: keyspace)
      batch.put("put twice", "second", in: keyspace)
      batch.put("put, deleted", "gone", in: keyspace)
      batch.delete("put, deleted", in: keyspace)
      batch.delete("deleted, put", in: keyspace)
      batch.put("deleted, put", "there", in: keyspace)
      try store.commit(batch)
      for isFlushed in [false, true] {
        if isFlushed { try store.flush() }
        #expect(
          try keyspace.entries() == [
            KeyValue("deleted, put", "there"), KeyValue("put twice", "second"),
          ])
      }
    }
  }

  @Test(arguments: StoreSetting.allCases)
  func anEmptyBatchChangesNothing(in setting: StoreSetting) throws {
    try setting.withStore { store in
      try store.keyspace("k").put("a", "1")
      let before = store.metrics()
      try store.commit(WriteBatch())
      #expect(store.metrics().lastSequence == before.lastSequence)
      #expect(store.metrics().logBytes == before.logBytes)
      #expect(store.metrics().commits == before.commits)
    }
  }

  /// Found by the fuzzer of operations.
  @Test func anEmptyBatchThatIsSyncedMakesWhatCameBeforeDurable() throws {
    for isSynced in [true, false] {
      let system = SimulatedFileSystem()
      let store = try CrashWorkload.open(system)
      try store.keyspace("default").put("a", "1", durability: .buffered)
      try store.commit(WriteBatch(), durability: isSynced ? .synced : .buffered)
      let crashed = try CrashWorkload.open(system.crashImage(.durableOnly))
      #expect(try crashed.keyspace("default").text("a") == (isSynced ? "1" : nil))
    }
  }

  @Test func aBatchThatWasEmptiedForgetsItsWritesAndItsFailure() throws {
    try FileSystemKind.simulated.withStores { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      var batch = WriteBatch()
      batch.put("kept out", "1", in: keyspace)
      batch.put([UInt8](repeating: 1, count: 65_536), "too long a key", in: keyspace)
      #expect(code { try store.commit(batch) } == .limit)
      batch.removeAll()
      #expect(batch.count == 0)
      batch.put("a", "1", in: keyspace)
      try store.commit(batch)
      try store.commit(batch)
      #expect(try keyspace.entries() == [KeyValue("a", "1")])
      try store.close()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aBatchWithAWriteThatIsTooLargeIsRefusedWhole(on kind: FileSystemKind) throws {
    try kind.withStores { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      let longest = [UInt8](repeating: 0x6b, count: 65_535)
      try keyspace.put(longest, "the longest key")
      #expect(try keyspace.value(for: longest) != nil)
      #expect(code { try keyspace.put(longest + [1], "") } == .limit)
      var batch = WriteBatch()
      batch.put("a", "1", in: keyspace)
      batch.put(longest + [1], "2", in: keyspace)
      batch.put("b", "3", in: keyspace)
      #expect(code { try store.commit(batch) } == .limit)
      #expect(batch.count == 3)
      #expect(try keyspace.entries().count == 1)
      #expect(code { try keyspace.delete(longest + [1]) } == .limit)
      let refusal = #expect(throws: StoreError.self) { try keyspace.put(longest + [1], "") }
      #expect(refusal?.message == "a key of 65536 bytes (the limit is 65535) is too large")
      // What is over a limit may be asked for: it is not there.
      #expect(try keyspace.value(for: longest + [1]) == nil)
      try store.flush()
      #expect(try keyspace.contains(longest))
      try store.close()
    }
  }

  /// Else it would pass for an empty batch, and its writes be lost without a word.
  @Test func aBatchOfNothingButRefusedWritesIsNotEmpty() throws {
    try FileSystemKind.simulated.withStores { open in
      let store = try open()
      let keyspace = try store.keyspace("k", .vectors(of: Float.self, dimension: 4))
      var batch = WriteBatch()
      batch.put("a", "no vector", in: keyspace)
      #expect(batch.count == 1)
      #expect(code { try store.commit(batch) } == .invalid)
      batch.removeAll()
      #expect(batch.count == 0)
      try store.commit(batch)
      try store.close()
    }
  }

  /// The memory is asked for and never touched: the value is refused by its length.
  @Test func aValueOfMoreThanOneGibibyteIsRefused() throws {
    try FileSystemKind.simulated.withStores { open in
      let store = try open()
      let keyspace = try store.keyspace("k")
      let count = 1 << 30 + 1
      guard let memory = unsafe calloc(count, 1) else { return }
      defer { unsafe free(memory) }
      let value = unsafe Span<UInt8>(
        _unsafeStart: memory.assumingMemoryBound(to: UInt8.self), count: count)
      let key: [UInt8] = [1]
      #expect(code { try keyspace.put(bytes: key.span, value) } == .limit)
      #expect(try keyspace.contains(key) == false)
      try store.close()
    }
  }

  @Test func aBatchForAnotherStoreIsRefusedAlsoWhereTheNumbersAgree() throws {
    try FileSystemKind.simulated.withStores { open in
      try FileSystemKind.simulated.withStores { openOther in
        let store = try open()
        let other = try openOther()
        let mine = try store.keyspace("mine")
        let theirs = try other.keyspace("theirs")
        var foreign = WriteBatch()
        foreign.put("a", "1", in: theirs)
        #expect(code { try store.commit(foreign) } == .invalid)
        var mixed = WriteBatch()
        mixed.put("a", "1", in: mine)
        mixed.put("b", "2", in: theirs)
        #expect(code { try store.commit(mixed) } == .invalid)
        #expect(code { try other.commit(mixed) } == .invalid)
        #expect(try mine.entries().isEmpty && theirs.entries().isEmpty)
        try store.close()
        try other.close()
      }
    }
  }

  @Test func aBatchWithAWriteForADroppedKeyspaceIsRefusedWhole() throws {
    try FileSystemKind.simulated.withStores { open in
      let store = try open()
      let (kept, dropped) = (try store.keyspace("kept"), try store.keyspace("dropped"))
      var batch = WriteBatch()
      batch.put("a", "1", in: kept)
      batch.put("a", "1", in: dropped)
      try store.dropKeyspace("dropped")
      #expect(code { try store.commit(batch) } == .notFound)
      #expect(try kept.contains("a") == false)
      try store.close()
    }
  }
}
