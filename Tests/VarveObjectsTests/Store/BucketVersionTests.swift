import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Earlier versions of a bucket: seen, and gone back to.
@Suite struct BucketVersionTests {
  /// A store that was put into its bucket three times, with a checkpoint of the first time.
  private static func history(
    _ machine: TieredStore, logs: Bool = false
  ) throws -> (samples: [Sample], numbers: [UInt64]) {
    var options = machine.connected()
    if logs { options.bucket?.logInterval = 60 }
    let store = try machine.open(options)
    var sample = Sample(seed: 3)
    var samples: [Sample] = []
    var numbers: [UInt64] = []
    for turn in 0..<3 {
      try sample.write(150, to: store)
      try store.compact()
      try store.upload()
      samples.append(sample)
      numbers.append(try #require(store.bucketStatus().version))
      if turn == 0 { try store.makeCheckpoint("first") }
    }
    if logs { try store.keyspace("sample").put("only in a log", [1], durability: .remote) }
    try store.close()
    return (samples, numbers)
  }

  private static func restored(
    _ machine: TieredStore, _ version: BucketVersion.Name,
    on disk: SimulatedFileSystem = SimulatedFileSystem()
  ) throws -> SegmentStore {
    try machine.openElsewhere(on: disk, version: version)
  }

  @Test(arguments: [false, true]) func aCheckpointIsAWayBack(logs: Bool) throws {
    let machine = TieredStore()
    var (samples, _) = try Self.history(machine, logs: logs)
    machine.bucket.clock.advance(milliseconds: 5 * 3_600_000)
    let disk = SimulatedFileSystem()
    var store = try Self.restored(machine, .checkpoint("first"), on: disk)
    #expect(try samples[0].difference(from: store) == nil)
    // It is the store from here on; the machine that wrote before is fenced.
    try samples[0].write(100, to: store)
    try store.upload()
    try store.evict()
    #expect(try samples[0].difference(from: store) == nil)
    machine.bucket.clock.advance(milliseconds: 5 * 3_600_000)
    try store.upload()
    try store.collectBucket()
    try store.close()
    store = try machine.open(on: disk)
    #expect(try samples[0].difference(from: store) == nil)
    try store.close()
    #expect(try storeCode { _ = try machine.open() } == .fenced)
    // Also once more.
    let again = try Self.restored(machine, .checkpoint("first"))
    #expect(try again.keyspace("sample").entries().count > 10)
    try again.close()
  }

  /// What is garbage for too short a time to be going may be gone back to.
  @Test func aVersionOfJustNowIsAWayBack() throws {
    let machine = TieredStore()
    let (samples, numbers) = try Self.history(machine)
    let store = try Self.restored(machine, .number(numbers[1]))
    #expect(try samples[1].difference(from: store) == nil)
    try store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try samples[1].difference(from: elsewhere) == nil)
    try elsewhere.close()
  }

  @Test func whatIsGoingOrGoneIsNoWayBack() throws {
    let machine = TieredStore()
    let (_, numbers) = try Self.history(machine)
    let before = machine.bucket.names
    let disk = SimulatedFileSystem()
    #expect(try storeCode { _ = try Self.restored(machine, .number(99)) } == .notFound)
    #expect(try storeCode { _ = try Self.restored(machine, .checkpoint("none")) } == .notFound)
    machine.bucket.clock.advance(milliseconds: 5 * 3_600_000)
    #expect(
      try storeCode { _ = try Self.restored(machine, .number(numbers[1]), on: disk) } == .notFound)
    // Nobody was fenced by that.
    #expect(machine.bucket.names == before)
    // Unless nobody writes there any more.
    let alone = SimulatedFileSystem()
    try Self.restored(machine, .number(numbers[1], isAbandoned: true), on: alone).close()
    // Kept, and yet not there.
    let versions = try SegmentStore.bucketVersions(in: machine.bucket.connect())
    let kept = try #require(versions.first { $0.checkpoints == ["first"] })
    let manifest = try #require(try BucketReader(machine.bucket.connect()).manifest(kept.number))
    for file in manifest.manifest.files {
      machine.bucket.tamper(BucketLayout.file(file), with: [1])
    }
    #expect(try storeCode { _ = try Self.restored(machine, .checkpoint("first")) } == .notFound)
  }

  /// The newest versions cannot be read: an earlier one can be gone back to, and is named.
  @Test func damagedVersionsArePassedOverWhereAnotherIsNamed() throws {
    let machine = TieredStore()
    let (samples, numbers) = try Self.history(machine)
    for number in [numbers[2], numbers[2] - 1] where number > numbers[1] {
      let name = BucketLayout.manifest(number)
      var bytes = try #require(machine.bucket.bytes(of: name))
      bytes[bytes.count - 9] ^= 4
      machine.bucket.tamper(name, with: bytes)
    }
    #expect(try storeCode { _ = try machine.openElsewhere() } == .corrupted)
    let versions = try SegmentStore.bucketVersions(in: machine.bucket.connect())
    #expect(versions.first?.number == numbers[2] && versions.first?.problem != nil)
    let whole = try #require(versions.first { $0.problem == nil })
    #expect(whole.number == numbers[1] && whole.files?.files ?? 0 > 0)
    #expect(try storeCode { _ = try Self.restored(machine, .number(whole.number)) } == .notFound)
    let store = try Self.restored(machine, .number(whole.number, isAbandoned: true))
    #expect(try samples[1].difference(from: store) == nil)
    try store.keyspace("sample").put("on it goes", [1])
    try store.upload()
    try store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try elsewhere.keyspace("sample").value(for: "on it goes") == [1])
    try elsewhere.close()
  }

  /// The machine is cut off at every request: it can be done again.
  @Test func aWayBackThatWasCutOffIsDoneAgain() throws {
    for request in 1... {
      let machine = TieredStore()
      let (samples, _) = try Self.history(machine, logs: true)
      let connection = machine.bucket.connect()
      connection.setFaults { call, _, _ in call == request ? .diesAfter : nil }
      let disk = SimulatedFileSystem()
      let done = try? machine.openElsewhere(
        on: disk, machine.connected(connection), version: .checkpoint("first"))
      try? done?.close()
      let store = try Self.restored(machine, .checkpoint("first"))
      #expect(try samples[0].difference(from: store) == nil, "request \(request)")
      try store.close()
      if done != nil { return #expect(request > 8) }
    }
  }

  @Test func checkpointsThatAreNotThereAreToldAndSoIsATakenName() throws {
    let machine = TieredStore()
    let store = try machine.open()
    #expect(try storeCode { try store.makeCheckpoint("early") } == .notFound)
    try store.keyspace("sample").put("key", [1])
    try store.upload()
    try store.makeCheckpoint("one")
    #expect(try storeCode { try store.makeCheckpoint("one") } == .exists)
    #expect(try storeCode { try store.removeCheckpoint("two") } == .notFound)
    try store.removeCheckpoint("one")
    #expect(try storeCode { try store.removeCheckpoint("one") } == .notFound)
    try store.close()
  }
}
