import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What a bucket is full of, and why; and what of it goes where there is no room left.
@Suite struct BucketUsageTests {
  private static func bytes(_ machine: TieredStore, _ prefix: String) -> UInt64 {
    machine.bucket.names.filter { $0.description.hasPrefix(prefix) }
      .reduce(0) { $0 + UInt64(machine.bucket.bytes(of: $1)?.count ?? 0) }
  }

  /// Every object is one thing, and each for the reason it is there.
  @Test func everythingIsCountedOnceAndForItsReason() throws {
    let machine = TieredStore()
    var options = machine.connected()
    options.bucket?.logInterval = 60
    let store = try machine.open(options)
    var sample = Sample(seed: 8)
    for turn in 0..<3 {
      try sample.write(150, to: store)
      try store.compact()
      try store.upload()
      if turn == 0 { try store.makeCheckpoint("first") }
    }
    try store.keyspace("sample").put("in a log", [1], durability: .remote)
    let stray = try #require(
      ObjectName("file/aa/0000000000000001-0000000000000099-aabbccddeeff0011.segment"))
    _ = try machine.bucket.connect().put(stray, ObjectContent([1, 2, 3]), if: .always, class: nil)
    let before = machine.bucket.names
    let usage = try SegmentStore.bucketUsage(in: machine.bucket.connect())
    #expect(machine.bucket.names == before)
    let status = try store.bucketStatus()
    #expect(usage.live == status.stored && usage.version == status.version)
    #expect(usage.total.bytes == Self.bytes(machine, ""))
    #expect(usage.total.files == machine.bucket.names.count)
    #expect(usage.unnamed.files == 1 && usage.unnamed.bytes == 3)
    #expect(usage.logs.bytes == Self.bytes(machine, "log/") && usage.logs.files > 0)
    #expect(usage.versions.bytes == Self.bytes(machine, "manifest/"))
    let kept = try #require(usage.checkpoints.first)
    #expect(kept.name == "first" && kept.kept == usage.checkpointed && kept.kept.files > 0)
    #expect(usage.garbage.files > 0)
    #expect(usage.others.files == 2)
    let requests = status.requests
    #expect(requests.writes > 8 && requests.lists > 3 && requests.reads > 0)
    // Once the checkpoint is gone what it kept is garbage.
    try store.removeCheckpoint("first")
    let after = try SegmentStore.bucketUsage(in: machine.bucket.connect())
    #expect(after.checkpoints.isEmpty && after.checkpointed.files == 0)
    #expect(after.garbage.bytes == usage.garbage.bytes + usage.checkpointed.bytes)
    try store.close()
  }

  /// What was removed by a process that did not come to say so is told no more.
  @Test func garbageThatIsGoneIsNotCounted() throws {
    let machine = TieredStore()
    let store = try machine.open()
    var sample = Sample(seed: 9)
    for _ in 0..<3 {
      try sample.write(150, to: store)
      try store.compact()
      try store.upload()
    }
    machine.bucket.clock.advance(milliseconds: 2 * 3_600_000)
    #expect(try store.collectBucket().files > 0)
    try store.close()
    let again = try machine.open()
    #expect(try again.collectBucket(isDry: true).files == 0)
    // And the next version names it no more.
    try again.collectBucket()
    try sample.write(20, to: again)
    try again.upload()
    let head = try #require(try BucketReader(machine.bucket.connect()).head())
    let names = Set(machine.bucket.names)
    for garbage in head.manifest.garbage {
      #expect(names.contains(BucketLayout.file(garbage.file)))
    }
    #expect(try sample.difference(from: again) == nil)
    try again.close()
  }

  /// No claim fits into a full bucket; what makes room there needs none.
  @Test func aFullBucketCanBeCollected() throws {
    let machine = TieredStore()
    var store = try machine.open()
    var sample = Sample(seed: 10)
    for _ in 0..<3 {
      try sample.write(150, to: store)
      try store.compact()
      try store.upload()
    }
    try store.close()
    machine.bucket.clock.advance(milliseconds: 2 * 3_600_000)
    let connection = machine.bucket.connect()
    connection.setFaults { _, kind, name in
      kind == .put && !name.hasPrefix("probe/") ? .full : nil
    }
    var options = machine.connected(connection)
    #expect(try storeCode { _ = try machine.open(options) } == .full)
    options.bucket?.opensWithoutBucket = true
    store = try machine.open(options)
    try store.keyspace("sample").put("goes on", [1])
    sample.expected["goes on"] = [1]
    let before = Self.bytes(machine, "file/")
    #expect(try store.collectBucket().files > 0)
    #expect(Self.bytes(machine, "file/") < before)
    try store.close()
    connection.setFaults { _, _, _ in nil }
    store = try machine.open()
    try store.upload()
    try store.evict()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  /// Files fit and the manifest does not: what was left behind before can go, from there and from here.
  @Test func aBucketThatRefusesAManifestCanBeCollectedAndEvictedTo() throws {
    let machine = TieredStore()
    let connection = machine.bucket.connect()
    let store = try machine.open(machine.connected(connection))
    var sample = Sample(seed: 12)
    for _ in 0..<3 {
      try sample.write(150, to: store)
      try store.compact()
      try store.upload()
    }
    machine.bucket.clock.advance(milliseconds: 2 * 3_600_000)
    connection.setFaults { _, kind, name in
      kind == .put && name.hasPrefix("manifest/") ? .full : nil
    }
    try sample.write(50, to: store)
    #expect(try storeCode { try store.upload() } == .full)
    let before = Self.bytes(machine, "file/")
    #expect(try store.collectBucket().files > 0)
    #expect(Self.bytes(machine, "file/") < before)
    try store.evict()
    connection.setFaults { _, _, _ in nil }
    try store.upload()
    try store.close()
    let other = try machine.openElsewhere()
    #expect(try sample.difference(from: other) == nil)
    try other.close()
  }

  /// Whoever was taken over from removes nothing, in whatever way it was opened.
  @Test func whoIsNotTheLastWriterCollectsNothing() throws {
    let machine = TieredStore()
    let store = try machine.open()
    var sample = Sample(seed: 11)
    for _ in 0..<3 {
      try sample.write(150, to: store)
      try store.compact()
      try store.upload()
    }
    try store.close()
    let other = try machine.openElsewhere()
    machine.bucket.clock.advance(milliseconds: 2 * 3_600_000)
    let connection = machine.bucket.connect()
    connection.setFaults { _, kind, _ in kind == .put || kind == .list ? .refused : nil }
    var options = machine.connected(connection)
    options.bucket?.opensWithoutBucket = true
    let alone = try machine.open(options)
    connection.setFaults { _, _, _ in nil }
    let before = machine.bucket.names
    #expect(try storeCode { try alone.collectBucket() } == .fenced)
    #expect(machine.bucket.names == before)
    try alone.close()
    try other.close()
  }
}
