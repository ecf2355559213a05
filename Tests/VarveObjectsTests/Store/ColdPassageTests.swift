import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Who passes through what is cold, a compaction or a check, takes nothing from those who read it.
@Suite struct ColdPassageTests {
  /// A store with 6 MB in one cold segment, of which a reader has read the beginning; and the key it reads.
  private static func store(
    _ machine: TieredStore
  ) throws -> (SegmentStore, String) {
    let expected = try LongStore.make(machine, count: 50_000)
    let store = try machine.open()
    let key = try #require(expected.keys.min())
    #expect(try store.keyspace("long").value(for: key) == expected[key])
    machine.bucket.forgetCalls()
    return (store, key)
  }

  private static func machine() -> TieredStore {
    var machine = TieredStore()
    machine.options.memoryBudget = 256 << 20
    machine.options.segmentBytes = 64 << 20
    return machine
  }

  private static func slots(_ machine: TieredStore) -> Int? {
    machine.disk.contents()["store/slots"]?.count
  }

  @Test func aCompactionKeepsNothingOfWhatItReads() throws {
    let machine = Self.machine()
    let (store, _) = try Self.store(machine)
    let before = Self.slots(machine)
    try store.keyspace("long").put("key-1", "overlaps", durability: .buffered)
    try store.keyspace("long").put("key-2", "overlaps", durability: .buffered)
    try store.compact()
    #expect(try store.bucketStatus().cold.files == 0)
    #expect(Self.slots(machine) == before)
    let calls = machine.bucket.calls
    let bytes = calls.reduce(0) { $0 + $1.bytes }
    #expect(calls.count <= 20, "\(calls.count) requests")
    #expect(bytes < 9_000_000, "\(bytes) bytes")
    try store.close()
  }

  @Test func aCheckAsksForLargePiecesOnce() throws {
    let machine = Self.machine()
    let (store, _) = try Self.store(machine)
    try store.close()
    let before = machine.disk.fingerprint()
    machine.bucket.forgetCalls()
    let verifier = try StoreVerifier(
      at: "/store", bucket: machine.bucket.connect(), on: machine.disk)
    #expect(try verifier.run(.deep).isSound)
    let calls = machine.bucket.calls
    let bytes = calls.reduce(0) { $0 + $1.bytes }
    #expect(calls.count <= 16, "\(calls.count) requests")
    #expect((5_000_000..<9_000_000).contains(bytes), "\(bytes) bytes")
    #expect(machine.disk.fingerprint() == before)
  }
}
