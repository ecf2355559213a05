import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// How a store comes to a bucket, and what is left where it may not.
@Suite struct AttachTests {
  private static func store(_ machine: TieredStore, without bucket: Bool = false) throws -> Sample {
    var sample = Sample(seed: 1)
    let store = try machine.open(bucket ? machine.options : nil)
    try sample.write(200, to: store)
    if !bucket { try store.upload() }
    try store.close()
    return sample
  }

  @Test func aStoreThatABucketRefusesIsWithoutOneAsBefore() throws {
    let machine = TieredStore()
    let sample = try Self.store(machine, without: true)
    let before = machine.disk.contents()
    let other = TieredStore()
    // Else both draw one id.
    try other.open(other.options, on: SimulatedFileSystem()).close()
    _ = try Self.store(other)
    let ignoring = SimulatedBucket()
    ignoring.ignoreConditions()
    let away = SimulatedBucket().connect()
    away.setFaults { _, _, _ in .refused }
    for (connection, code) in [
      (other.bucket.connect(), StoreError.Code.exists), (ignoring.connect(), .invalid),
      (away, .unavailable),
    ] {
      let found = try storeCode { _ = try machine.open(machine.connected(connection)) }
      #expect(found == code, "\(found as Any)")
      #expect(machine.disk.contents() == before, "\(code)")
    }
    let store = try machine.open(machine.options)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  /// The claim may have arrived: who made it must be known.
  @Test func aClaimWhoseAnswerIsLostIsRemembered() throws {
    let machine = TieredStore()
    let sample = try Self.store(machine, without: true)
    let connection = machine.bucket.connect()
    connection.setFaults { _, kind, name in
      name.hasPrefix("manifest/") && (kind == .put || kind == .read) ? .answerLost : nil
    }
    #expect(try storeCode { _ = try machine.open(machine.connected(connection)) } != nil)
    #expect(machine.bucket.names.contains(BucketLayout.manifest(1)))
    let store = try machine.open()
    #expect(try sample.difference(from: store) == nil)
    try store.upload()
    try store.close()
  }

  @Test func noNewStoreIsMadeForABucketThatHasOne() throws {
    let machine = TieredStore()
    let sample = try Self.store(machine)
    let other = SimulatedFileSystem()
    #expect(try storeCode { _ = try machine.open(on: other) } == .exists)
    let directory = try other.openDirectory(at: "/store", create: false)
    #expect(try directory.names().filter { $0 != FileName.lock }.isEmpty)
    let restored = try machine.openElsewhere(on: other)
    #expect(try sample.difference(from: restored) == nil)
    try restored.close()
  }

  @Test func aRestoreFromAnEmptyBucketMakesNothing() throws {
    let machine = TieredStore()
    let disk = SimulatedFileSystem()
    #expect(try storeCode { _ = try machine.openElsewhere(on: disk) } == .notFound)
    #expect(throws: FileSystemError.self) { try disk.openDirectory(at: "/store", create: false) }
  }

  @Test func aBucketWithinTheStoresDirectoryIsRefused() throws {
    try withTemporaryDirectory { path in
      var options = StoreOptions()
      try SegmentStore.open(at: path + "/store", options: options).close()
      options.bucket = BucketOptions(try DirectoryObjectStore(path: path + "/store/bucket"))
      #expect(
        try storeCode { _ = try SegmentStore.open(at: path + "/store", options: options) }
          == .invalid)
    }
  }

  @Test func aStoreThatIsWholeHereMayLeaveItsBucketForAnother() throws {
    try withTemporaryDirectory { path in
      let place = path + "/store"
      func options(_ bucket: String) throws -> StoreOptions {
        var options = StoreOptions.small
        options.bucket = BucketOptions(try DirectoryObjectStore(path: path + bucket))
        options.bucket?.uploadInterval = nil
        return options
      }
      var store = try SegmentStore.open(at: place, options: options("/one"))
      #expect(try storeCode { try SegmentStore.detachBucket(ofStoreAt: place) } == .locked)
      var sample = Sample(seed: 12)
      try sample.write(200, to: store)
      try store.upload()
      try store.evict()
      try store.close()
      #expect(try storeCode { try SegmentStore.detachBucket(ofStoreAt: place) } == .invalid)
      let cold = try #require(try SegmentStore.bucketStatus(ofStoreAt: place))
      #expect(cold.cold == cold.stored && cold.cold.files > 0 && cold.local.files == 0)
      store = try SegmentStore.open(at: place, options: options("/one"))
      try store.prefetch()
      try store.close()
      try SegmentStore.detachBucket(ofStoreAt: place)
      #expect(try storeCode { try SegmentStore.detachBucket(ofStoreAt: place) } == .invalid)
      #expect(try SegmentStore.bucketStatus(ofStoreAt: place) == nil)
      // Its first bucket is not its own any more, a new one is.
      #expect(
        try storeCode { _ = try SegmentStore.open(at: place, options: options("/one")) } == .fenced)
      store = try SegmentStore.open(at: place, options: options("/two"))
      try store.upload()
      try store.evict()
      #expect(try sample.difference(from: store) == nil)
      try store.close()
      let first = try SegmentStore.open(fromBucketTo: path + "/again", options: options("/one"))
      #expect(try sample.difference(from: first) == nil)
      try first.close()
    }
  }

  /// What leads to the newest version is mended by the machine that knows it.
  @Test(arguments: [false, true]) func aStoreOutlivesTheDamageOfItsNewestManifest(isGone: Bool)
    throws
  {
    let machine = TieredStore()
    var sample = try Self.store(machine)
    var store = try machine.open()
    try store.evict()
    try store.close()
    let name = try #require(machine.bucket.names.last { $0.description.hasPrefix("manifest/") })
    var bytes = try #require(machine.bucket.bytes(of: name))
    bytes[bytes.count / 2] ^= 0x10
    machine.bucket.tamper(name, with: isGone ? nil : bytes)
    store = try machine.open()
    try sample.write(50, to: store)
    try store.upload()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try sample.difference(from: elsewhere) == nil)
    try elsewhere.close()
  }
}
