import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Long walks through cold files, with threads that fetch what comes next.
@Suite struct ColdReadAheadTests {
  private static func options(_ objects: any ObjectStore) -> StoreOptions {
    var options = StoreOptions()
    options.memoryBudget = 256 << 20
    var bucket = BucketOptions(objects)
    bucket.uploadInterval = nil
    bucket.diskCacheBytes = 0
    options.bucket = bucket
    return options
  }

  /// A cold store of 9 MB; its expected values.
  private static func make(_ machine: TieredStore, at path: String) throws -> [[UInt8]] {
    var random = SplitMix64(seed: 5)
    let store = try SegmentStore.open(at: path, options: options(machine.bucket.connect()))
    let keyspace = try store.keyspace("vectors")
    let values = (0..<3_000).map { _ in random.bytes(3_000) }
    for (number, value) in values.enumerated() {
      try keyspace.put("\(10_000 + number)", value, durability: .buffered)
    }
    try store.upload()
    try store.evict()
    try store.close()
    return values
  }

  private static func read(_ store: SegmentStore) throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    try store.keyspace("vectors").forEach { _, value in found.append(Array(copying: value)) }
    return found
  }

  @Test func whatIsFetchedAheadIsFetchedOnce() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      let values = try Self.make(machine, at: path)
      let store = try SegmentStore.open(
        at: path, options: Self.options(machine.bucket.connect()))
      machine.bucket.forgetCalls()
      #expect(try Self.read(store) == values)
      let calls = machine.bucket.calls
      let bytes = calls.reduce(0) { $0 + $1.bytes }
      #expect(calls.count <= 30 && bytes < 10_000_000, "\(calls.count) requests, \(bytes) bytes")
      try store.close()
    }
  }

  /// A walk is lent values where they came to lie: each is checked there, and what is damaged is asked for anew.
  @Test func damageIsToldToWhoWalks() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      let values = try Self.make(machine, at: path)
      let store = try SegmentStore.open(
        at: path, options: Self.options(machine.bucket.connect()))
      let keyspace = try store.keyspace("vectors")
      for name in machine.bucket.names where name.description.hasSuffix(".values") {
        let whole = try #require(machine.bucket.bytes(of: name))
        var harmed = whole
        harmed[whole.count / 2] ^= 1
        machine.bucket.tamper(name, with: harmed)
        var count = 0
        do throws(StoreError) {
          var cursor = try keyspace.cursor()
          while try cursor.next() {
            let isRight = Array(copying: cursor.value) == values[count]
            #expect(isRight)
            count += 1
          }
          Issue.record("damage was not told")
        } catch {
          #expect(error.code == .corrupted && (1..<values.count).contains(count), "\(error)")
        }
        machine.bucket.tamper(name, with: whole)
        let isWhole = try Self.read(store) == values
        #expect(isWhole)
      }
      try store.close()
    }
  }

  /// Who comes to it asks again, and says why it cannot be had.
  @Test func failuresOfWhatIsFetchedAheadAreTold() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      let values = try Self.make(machine, at: path)
      let connection = machine.bucket.connect()
      let store = try SegmentStore.open(at: path, options: Self.options(connection))
      connection.setFaults { call, kind, _ in
        kind == .read && call % 3 == 0 ? .refused : nil
      }
      var found: [[UInt8]]?
      for _ in 0..<100 where found == nil {
        do { found = try Self.read(store) } catch {
          #expect((error as? StoreError)?.code == .unavailable)
        }
      }
      #expect(found == values)
      try store.close()
    }
  }

  @Test func fourThreadsWalkAndTheStoreIsClosedMeanwhile() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      let values = try Self.make(machine, at: path)
      for round in 0..<3 {
        let store = try SegmentStore.open(
          at: path, options: Self.options(machine.bucket.connect()))
        let threads = try (0..<4).map { thread in
          try WorkerThread(name: "walking \(thread)") {
            do {
              #expect(try Self.read(store) == values)
            } catch {
              #expect((error as? StoreError)?.code == .closed)
            }
          }
        }
        if round > 0 { try store.close() }
        for thread in threads { thread.join() }
        try store.close()
      }
    }
  }
}
