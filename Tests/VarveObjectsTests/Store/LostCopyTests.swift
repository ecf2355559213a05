import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A copy in the bucket is gone or cut while the file is here: nobody relies on it, and it is put again.
@Suite struct LostCopyTests {
  /// An open store, all of whose files are in the bucket, and the names of those there.
  private static func store(
    _ machine: TieredStore, seed: UInt64
  ) throws -> (SegmentStore, Sample, [ObjectName]) {
    var sample = Sample(seed: seed)
    let store = try machine.open()
    try sample.write(300, to: store)
    try store.upload()
    let files = machine.bucket.names.filter { $0.description.hasPrefix("file/") }
    #expect(files.count > 1)
    return (store, sample, files)
  }

  @Test(arguments: [nil, [1, 2, 3]] as [[UInt8]?])
  func aFileWhoseCopyIsLostStays(_ left: [UInt8]?) throws {
    let machine = TieredStore()
    let (store, sample, files) = try Self.store(machine, seed: 1)
    machine.bucket.tamper(files[0], with: left)
    #expect(try storeCode { try store.evict() } == .corrupted)
    #expect(try store.bucketStatus().local.files == 1)
    #expect(try sample.difference(from: store) == nil)
    // The next upload puts it again, and then it may go.
    try store.upload()
    try store.evict()
    #expect(try store.bucketStatus().local.files == 0)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try sample.difference(from: elsewhere) == nil)
    try elsewhere.close()
  }

  /// All are: one listing tells.
  @Test func anUploadFindsOutWhatIsLost() throws {
    let machine = TieredStore()
    let (store, sample, files) = try Self.store(machine, seed: 2)
    for file in files { machine.bucket.tamper(file, with: nil) }
    #expect(try storeCode { try store.makeCheckpoint("whole") } == .notFound)
    #expect(!machine.bucket.names.contains { $0.description.hasPrefix("pin/") })
    #expect(try SegmentStore.bucketUsage(in: machine.bucket.connect()).missing.files == files.count)
    #expect(try store.upload().files == files.count)
    #expect(try SegmentStore.bucketUsage(in: machine.bucket.connect()).missing.files == 0)
    try store.makeCheckpoint("whole")
    try store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try sample.difference(from: elsewhere) == nil)
    try elsewhere.close()
  }

  /// What is lost there and is not here is told, after the rest was put.
  @Test func whatLiesNowhereElseIsTold() throws {
    let machine = TieredStore()
    let (store, _, files) = try Self.store(machine, seed: 3)
    try store.evict()
    machine.bucket.tamper(files[0], with: nil)
    try store.keyspace("other").put("key", [1])
    let failure = try storeFailure { try store.upload() }
    #expect(failure?.code == .corrupted && failure?.message.contains("no good one") == true)
    // It is told each time, and nothing is committed for that.
    let before = machine.bucket.names
    #expect(try storeCode { try store.upload() } == .corrupted)
    #expect(machine.bucket.names == before)
    try store.keyspace("other").put("remote", [1], durability: .remote)
    try store.close()
    let options = machine.connected()
    #expect(try storeCode { _ = try machine.openElsewhere(options) } == .notFound)
    var anyway = options
    anyway.bucket?.takesOver = true
    let rest = try machine.openElsewhere(anyway)
    #expect(try rest.keyspace("other").value(for: "key") == [1])
    try rest.close()
  }

  /// A bucket that was emptied is not filled beneath a running store as if nothing were missing.
  @Test func anUploadFindsOutThatTheBucketIsAway() throws {
    let machine = TieredStore()
    let (store, sample, _) = try Self.store(machine, seed: 8)
    let all = machine.bucket.names.map { ($0, machine.bucket.bytes(of: $0) ?? []) }
    for (name, _) in all { machine.bucket.tamper(name, with: nil) }
    #expect(try storeCode { try store.upload() } == .unavailable)
    #expect(machine.bucket.names.isEmpty)
    for (name, bytes) in all where name != BucketLayout.store {
      _ = try machine.bucket.connect().put(name, ObjectContent(bytes), if: .always, class: nil)
    }
    // Only what says whose it is is gone.
    try store.upload()
    try store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try sample.difference(from: elsewhere) == nil)
    try elsewhere.close()
  }

  /// What rotted here meanwhile is not put in the place of what was right, and keeps nothing else away.
  @Test func aRottenFileIsNotPutAgain() throws {
    let machine = TieredStore()
    let (store, _, files) = try Self.store(machine, seed: 7)
    let reader = BucketReader(machine.bucket.connect())
    let head = try #require(try reader.head()).manifest
    let file = try #require(head.files.first { BucketLayout.file($0) == files[0] })
    machine.bucket.tamper(files[0], with: nil)
    try machine.disk.flip(mask: 1, at: 100, of: "/store/\(file.name)")
    try store.keyspace("other").put("key", [1])
    #expect(try storeCode { try store.upload() } == .corrupted)
    let next = try #require(try reader.head()).manifest
    #expect(next.number > head.number && next.files.contains(file))
    #expect(!machine.bucket.names.contains(files[0]))
    try? store.close()
  }

  /// A restore that would not be whole fences nobody: the machine that has the files mends it.
  @Test func aRestoreThatIsNotWholeFencesNobody() throws {
    let machine = TieredStore()
    let (store, sample, files) = try Self.store(machine, seed: 4)
    machine.bucket.tamper(files[0], with: nil)
    let disk = SimulatedFileSystem()
    let before = machine.bucket.names
    #expect(try storeCode { _ = try machine.openElsewhere(on: disk) } == .notFound)
    #expect(machine.bucket.names == before)
    try store.upload()
    try store.close()
    let elsewhere = try machine.openElsewhere(on: disk)
    #expect(try sample.difference(from: elsewhere) == nil)
    try elsewhere.close()
  }

  /// Where another bucket refuses a store, it stays what it is in its own.
  @Test func aRefusalElsewhereFencesNobody() throws {
    let machine = TieredStore()
    let (store, _, _) = try Self.store(machine, seed: 5)
    try store.close()
    let old = SimulatedBucket()
    for name in machine.bucket.names where name.description < "manifest/00000000000000000002" {
      let bytes = try #require(machine.bucket.bytes(of: name))
      _ = try old.connect().put(name, ObjectContent(bytes), if: .always, class: nil)
    }
    let bytes = try #require(machine.bucket.bytes(of: BucketLayout.store))
    _ = try old.connect().put(BucketLayout.store, ObjectContent(bytes), if: .always, class: nil)
    // Somebody went on there.
    let claim = BucketClaim(old.connect(), random: SimulatedRandom(seed: 99))
    _ = try claim.run(as: claim.makeID(), after: .anybody)
    let place = PassingObjectStore(old.connect(), at: "elsewhere")
    var options = machine.connected()
    options.bucket = BucketOptions(place)
    #expect(try storeCode { _ = try machine.open(options) } == .fenced)
    let again = try machine.open()
    try again.keyspace("sample").put("on", [1])
    try again.upload()
    #expect(try again.keyspace("sample").value(for: "on") == [1])
    try again.close()
  }

  /// An empty directory where the bucket was mounted is not a damaged copy.
  @Test func aPlaceThatIsNotTheBucketIsAway() throws {
    let machine = TieredStore()
    let (store, _, _) = try Self.store(machine, seed: 6)
    try store.evict()
    let all = machine.bucket.names.map { ($0, machine.bucket.bytes(of: $0)) }
    for (name, _) in all { machine.bucket.tamper(name, with: nil) }
    func read(_ store: SegmentStore) throws {
      for entry in try store.keyspace("sample").entries() { _ = entry.value }
    }
    #expect(try storeCode { try read(store) } == .unavailable)
    try store.close()
    var options = machine.connected()
    options.access = .readOnly
    #expect(try storeCode { try machine.open(options).close() } == .unavailable)
  }
}
