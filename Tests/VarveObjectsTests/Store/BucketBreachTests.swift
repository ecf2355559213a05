import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What happens to a bucket behind a store's back, and what is under way there, when a store comes to it.
@Suite struct BucketBreachTests {
  private static func objects(_ bucket: SimulatedBucket) -> [ObjectName: [UInt8]] {
    Dictionary(uniqueKeysWithValues: bucket.names.map { ($0, bucket.bytes(of: $0) ?? []) })
  }

  private static func roll(_ bucket: SimulatedBucket, to old: [ObjectName: [UInt8]]) throws {
    for name in bucket.names { bucket.tamper(name, with: nil) }
    for (name, bytes) in old {
      _ = try bucket.connect().put(name, ObjectContent(bytes), if: .always, class: nil)
    }
  }

  /// The bucket is one of an earlier moment (a backup of it), at the same location.
  @Test func aBucketThatWentBackInTimeIsFilledAgain() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 1)
    var store = try machine.open()
    try sample.write(150, to: store)
    try store.upload()
    let old = Self.objects(machine.bucket)
    try sample.write(150, to: store)
    try store.compact()
    try store.upload()
    try store.close()
    try Self.roll(machine.bucket, to: old)
    store = try machine.open()
    try store.upload()
    let head = try #require(try BucketReader(machine.bucket.connect()).head()).manifest
    let missing = head.files.filter { machine.bucket.bytes(of: BucketLayout.file($0)) == nil }
    #expect(
      missing.isEmpty,
      "the newest version names \(missing.count) of \(head.files.count) that are not there")
    let gone = try store.evict()
    #expect(try sample.difference(from: store) == nil, "after eviction of \(gone) bytes")
    try store.close()
  }

  /// The bucket was emptied and begun anew by a detached copy of the same store.
  @Test func aBucketThatWasBegunAnewIsAnothers() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 1)
    let store = try machine.open()
    try sample.write(150, to: store)
    for _ in 0..<4 {
      try sample.write(20, to: store)
      try store.upload()
    }
    try store.close()
    let copy = machine.disk.crashImage(.durableOnly, seed: 1)
    let directory = try copy.openDirectory(at: "/store", create: false)
    try directory.remove("bucket")
    try Self.roll(machine.bucket, to: [:])
    let other = try machine.open(on: copy)
    var more = sample
    try more.write(10, to: other)
    try other.upload()
    let code = try storeCode { try machine.open().close() }
    #expect(code == .fenced, "\(code as Any)")
    #expect(
      try storeCode {
        try more.write(10, to: other); try other.upload()
      } == nil)
    try? other.close()
  }

  /// Another store's bucket at the location, of which `store` is gone.
  @Test(arguments: [true, false]) func anothersBucketThatDoesNotSayWhoseItIsStaysAsItIs(
    isHigher: Bool
  ) throws {
    let first = TieredStore()
    var sample = Sample(seed: 1)
    var store = try first.open()
    for _ in 0..<(isHigher ? 6 : 1) {
      try sample.write(50, to: store)
      try store.upload()
    }
    try store.close()
    let second = TieredStore()
    try second.open(second.options, on: SimulatedFileSystem()).close()
    store = try second.open()
    var others = Sample(seed: 2)
    for _ in 0..<(isHigher ? 1 : 6) {
      try others.write(50, to: store)
      try store.upload()
    }
    second.bucket.tamper(BucketLayout.store, with: nil)
    let before = second.bucket.names
    let code = try storeCode { try first.open(first.connected(second.bucket.connect())).close() }
    #expect(code != nil)
    #expect(
      second.bucket.names == before,
      "\(code as Any) \(second.bucket.names.filter { !before.contains($0) })")
    let after = try storeCode {
      try others.write(5, to: store); try store.upload()
    }
    #expect(after == nil, "\(after as Any)")
    try? store.close()
    let again = try storeCode { try second.open().close() }
    #expect(again == nil, "\(again as Any)")
  }

  /// Going back past a damaged newest manifest whose writer is collecting.
  @Test func noWayBackWhileTheWriterOfADamagedVersionCollects() throws {
    let machine = TieredStore()
    let connection = machine.bucket.connect()
    let store = try machine.open(machine.connected(connection))
    var sample = Sample(seed: 3)
    try sample.write(150, to: store)
    try store.compact()
    try store.upload()
    let kept = sample
    let number = try #require(store.bucketStatus().version)
    try sample.write(150, to: store)
    try store.compact()
    try store.upload()
    let newest = try #require(store.bucketStatus().version)
    #expect(newest == number + 1)
    let name = BucketLayout.manifest(newest)
    var bytes = try #require(machine.bucket.bytes(of: name))
    bytes[bytes.count - 9] ^= 4
    machine.bucket.tamper(name, with: bytes)
    machine.bucket.clock.advance(milliseconds: 5 * 3_600_000)
    connection.setFaults { _, kind, _ in kind == .remove ? .late : nil }
    _ = try? store.collectBucket()
    #expect(machine.bucket.hasLateRequests)
    var restored: SegmentStore?
    let code = try storeCode { restored = try machine.openElsewhere(version: .number(number)) }
    if let restored {
      #expect(try kept.difference(from: restored) == nil)
      try restored.close()
      while machine.bucket.hasLateRequests { machine.bucket.deliverLateRequest() }
      let head = try #require(try BucketReader(machine.bucket.connect()).head()).manifest
      let missing = head.files.filter { machine.bucket.bytes(of: BucketLayout.file($0)) == nil }
      #expect(missing.isEmpty, "\(missing.count) of \(head.files.count) gone")
    } else {
      #expect(code == .notFound)
    }
    try? store.close()
  }

  /// A collection without a claim sends removals for noted uploads.
  @Test func aCollectionWithoutAClaimSparesWhatWasPut() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 4)
    let connection = machine.bucket.connect()
    var options = machine.connected(connection)
    options.bucket?.noteBytes = 1
    var store = try machine.open(options)
    try sample.write(600, to: store)
    try store.flush()
    connection.setFaults { _, kind, name in
      kind == .put && name.hasPrefix("manifest/") ? .refused : nil
    }
    _ = try? store.upload()
    try? store.close()
    let files = machine.bucket.names.filter { $0.description.hasPrefix("file/") }
    #expect(files.count > 1)
    machine.bucket.clock.advance(milliseconds: 2 * 86_400_000)
    let full = machine.bucket.connect()
    full.setFaults { _, kind, name in
      kind == .put ? .full : kind == .remove && name.hasPrefix("file/") ? .late : nil
    }
    options = machine.connected(full)
    options.bucket?.opensWithoutBucket = true
    store = try machine.open(options)
    _ = try? store.collectBucket()
    #expect(!machine.bucket.hasLateRequests, "a removal of noted uploads is on its way")
    try store.close()
    store = try machine.open()
    try store.upload()
    while machine.bucket.hasLateRequests { machine.bucket.deliverLateRequest() }
    try store.evict()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  /// A collection without a claim, and a late commit of the process before.
  @Test func aCollectionWithoutAClaimSparesWhatALateCommitNames() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 4)
    let connection = machine.bucket.connect()
    var store = try machine.open(machine.connected(connection))
    try sample.write(600, to: store)
    try store.flush()
    connection.setFaults { _, kind, name in
      kind == .put && name.hasPrefix("manifest/") ? .late : nil
    }
    machine.bucket.clock.advance(milliseconds: 86_400_000)
    _ = try? store.upload()
    try? store.close()
    machine.bucket.clock.advance(milliseconds: 86_400_000)
    machine.bucket.clock.advance(milliseconds: 1_000)
    let full = machine.bucket.connect()
    full.setFaults { _, kind, name in kind == .put ? .full : nil }
    var options = machine.connected(full)
    options.bucket?.opensWithoutBucket = true
    store = try machine.open(options)
    _ = try? store.collectBucket()
    try store.close()
    while machine.bucket.hasLateRequests { machine.bucket.deliverLateRequest() }
    store = try machine.open()
    try store.upload()
    try store.evict()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  /// A log that races with going back, and a crash between the two commits.
  @Test(arguments: [0, 1]) func aWayBackThatEndsHalfwayChangesNothing(_ logsBefore: Int) throws {
    let machine = TieredStore()
    var options = machine.connected()
    options.bucket?.logInterval = 60
    let store = try machine.open(options)
    var sample = Sample(seed: 3)
    try sample.write(150, to: store)
    try store.compact()
    try store.upload()
    let kept = sample
    let number = try #require(store.bucketStatus().version)
    try sample.write(150, to: store)
    try store.compact()
    try store.upload()
    for index in 0..<logsBefore {
      try store.keyspace("sample").put("log \(index)", [1], durability: .remote)
    }
    let connection = machine.bucket.connect()
    let count = Monitor(0)
    connection.setBeforeEachCall { kind, name in
      guard kind == .put, name.hasPrefix("manifest/") else { return }
      let number = count.withLock { count in
        count += 1
        return count
      }
      if number == 1 { try? store.keyspace("sample").put("raced", [9], durability: .remote) }
    }
    connection.setFaults { _, kind, name in
      kind == .put && name.hasPrefix("manifest/") && count.withLock({ $0 }) == 2 ? .diesBefore : nil
    }
    let code = try storeCode {
      _ = try machine.openElsewhere(
        on: SimulatedFileSystem(), machine.connected(connection), version: .number(number))
    }
    #expect(code != nil && count.withLock { $0 } == 2)
    var third: SegmentStore?
    let again = try storeCode { third = try machine.openElsewhere() }
    #expect(again == nil, "\(again as Any)")
    // It is as if nobody had wanted to go back: what was acknowledged until the claim is there.
    sample.expected["raced"] = [9]
    for index in 0..<logsBefore { sample.expected["log \(index)"] = [1] }
    if let third {
      #expect(try sample.difference(from: third) == nil)
      try third.close()
    }
    try? store.close()
    let back = try machine.openElsewhere(version: .number(number))
    #expect(try kept.difference(from: back) == nil)
    try back.close()
  }

  /// Who goes back needs none of the logs, and who wrote them puts no more.
  @Test(arguments: [false, true]) func damagedLogsAreNoHindranceToGoingBack(isMissing: Bool) throws
  {
    let machine = TieredStore()
    var options = machine.connected()
    options.bucket?.logInterval = 60
    let store = try machine.open(options)
    var sample = Sample(seed: 5)
    try sample.write(150, to: store)
    try store.upload()
    try store.makeCheckpoint("before")
    let kept = sample
    for number in 0..<4 {
      try store.keyspace("sample").put("log \(number)", [1], durability: .remote)
    }
    let logs = machine.bucket.names.filter { $0.description.hasPrefix("log/") }
    #expect(logs.count == 4)
    machine.bucket.tamper(logs[isMissing ? 1 : 3], with: isMissing ? nil : [1, 2, 3])
    #expect(try storeCode { _ = try machine.openElsewhere() } == .corrupted)
    let back = try machine.openElsewhere(version: .checkpoint("before"))
    #expect(try kept.difference(from: back) == nil)
    #expect(
      try storeCode { try store.keyspace("sample").put("late", [1], durability: .remote) }
        == .fenced)
    try back.keyspace("sample").put("on", [1], durability: .remote)
    try back.close()
    try? store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try elsewhere.keyspace("sample").value(for: "on") == [1])
    #expect(try elsewhere.keyspace("sample").value(for: "log 0") == nil)
    try elsewhere.close()
  }

  /// Another claims the number of a manifest that is gone.
  @Test func anotherMayClaimTheNumberOfAManifestThatIsGone() throws {
    let bucket = SimulatedBucket()
    let version = Manifest(storeID: FileID(low: 1, high: 2))
    let claim = BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 1))
    let writer = try claim.make(for: version, created: 5, as: claim.makeID())
    var next = writer.head.manifest.version
    next.number += 1
    try writer.commit(next, [])
    let known = writer.head.manifest
    bucket.tamper(BucketLayout.manifest(known.number), with: nil)
    let other = Monitor<BucketWriter?>(nil)
    let connection = bucket.connect()
    let once = Monitor(false)
    connection.setBeforeEachCall { kind, name in
      guard kind == .put, name.hasPrefix("manifest/") else { return }
      guard
        once.withLock({ once in
          defer { once = true }
          return !once
        })
      else { return }
      let rival = BucketClaim(bucket.connect(), random: SimulatedRandom(seed: 3))
      let made = try? rival.run(as: rival.makeID(), after: .anybody)
      other.withLock { $0 = made }
    }
    let mine = BucketClaim(connection, random: SimulatedRandom(seed: 2))
    #expect(throws: BucketError.self) {
      try mine.run(as: mine.makeID(), after: .oneOf([writer.id]), knowing: known)
    }
    let rival = try #require(other.withLock { $0 })
    var third = rival.head.manifest.version
    third.number += 1
    #expect(throws: Never.self) { try rival.commit(third, []) }
  }

  /// Times of a listing.
  @Test func timesThatGoBackwardsDoNoHarm() throws {
    let machine = TieredStore()
    // Ahead of this machine's own clock, and then the oldest version is the youngest object.
    machine.bucket.clock.advance(milliseconds: 10_000_000_000_000)
    let store = try machine.open()
    try store.keyspace("sample").put("a", [1])
    try store.upload()
    try store.close()
    machine.bucket.clock.advance(milliseconds: 1)
    let first = BucketLayout.manifest(1)
    let bytes = try #require(machine.bucket.bytes(of: first))
    _ = try machine.bucket.connect().put(first, ObjectContent(bytes), if: .always, class: nil)
    #expect(try SegmentStore.bucketUsage(in: machine.bucket.connect()).rate == nil)
  }
}
