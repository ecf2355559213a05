import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A store beside its slot cache: the cache saves requests, and nothing else depends on it.
@Suite struct SlotStoreTests {
  private static let slots = "store/slots"

  /// A store whose files lie in the bucket, and whose slots were all read once; closed.
  private static func closedStore(
    _ machine: TieredStore, seed: UInt64 = 1, count: Int = 500
  ) throws -> Sample {
    var sample = Sample(seed: seed)
    let store = try machine.open()
    try sample.write(count, to: store)
    try store.upload()
    try store.evict()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    return sample
  }

  /// Opens the store and looks at all of it; returns the requests for files that this took.
  private static func readAll(
    _ machine: TieredStore, _ sample: Sample, on disk: SimulatedFileSystem? = nil,
    _ options: StoreOptions? = nil
  ) throws -> Int {
    machine.bucket.forgetCalls()
    let store = try machine.open(options, on: disk)
    if let difference = try sample.difference(from: store) { Issue.record("\(difference)") }
    try store.close()
    return fileReads(machine)
  }

  private static func fileReads(_ machine: TieredStore) -> Int {
    machine.bucket.calls.count { $0.kind == .read && $0.name.hasPrefix("file/") }
  }

  private static func size(_ disk: SimulatedFileSystem) -> Int {
    disk.contents()[slots]?.count ?? 0
  }

  @Test func aRestartFindsTheSlotsWithoutARequest() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine)
    #expect(try Self.readAll(machine, sample) == 0)
    let store = try machine.open()
    #expect(try sample.difference(from: store) == nil)
    let status = try store.bucketStatus()
    #expect(status.coldReads == 0 && status.coldDiskHits > 3 && status.coldMemoryHits > 0)
    #expect(status.diskCacheBytes > 3 * 65_536)
    try store.close()
    // Without it everything is as it was.
    try machine.disk.openDirectory(at: "/store", create: false).remove("slots")
    #expect(try Self.readAll(machine, sample) > 3)
    #expect(try Self.readAll(machine, sample) == 0)
  }

  @Test func onARealDiskARestartFindsThemToo() throws {
    try withTemporaryDirectory { path in
      let machine = TieredStore()
      var sample = Sample(seed: 6)
      var store = try SegmentStore.open(at: path, options: machine.connected())
      try sample.write(400, to: store)
      try store.upload()
      try store.evict()
      for isFirst in [true, false] {
        machine.bucket.forgetCalls()
        #expect(try sample.difference(from: store) == nil)
        #expect((Self.fileReads(machine) == 0) != isFirst)
        try store.close()
        store = try SegmentStore.open(at: path, options: machine.connected())
      }
      try store.close()
    }
  }

  @Test func noneIsKeptWhereNoneIsWanted() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine)
    #expect(Self.size(machine.disk) > 0)
    var options = machine.connected()
    options.bucket?.diskCacheBytes = 0
    #expect(try Self.readAll(machine, sample, options) > 3)
    #expect(machine.disk.contents()[Self.slots] == nil)
  }

  @Test func theBudgetIsKept() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 2)
    var options = machine.connected()
    options.bucket?.diskCacheBytes = 5 * 65_536 + 1_000
    let most = Monitor(0)
    let disk = machine.disk
    disk.observeSteps { step in
      guard step.name == "slots" else { return }
      let size = Self.size(disk)
      most.withLock { $0 = max($0, size) }
    }
    let store = try machine.open(options)
    try sample.write(700, to: store)
    try store.upload()
    try store.evict()
    for _ in 0..<2 { #expect(try sample.difference(from: store) == nil) }
    try store.close()
    disk.observeSteps(nil)
    #expect(most.withLock { $0 } == 5 * 65_536)
    #expect(Self.size(disk) <= 5 * 65_536)
  }

  @Test func damageIsFetchedAgain() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine)
    let count = Self.size(machine.disk)
    var random = SplitMix64(seed: 3)
    for round in 0..<6 {
      var bytes = try #require(machine.disk.contents()[Self.slots])
      for _ in 0..<(1 << round) { bytes[random.below(count)] ^= 1 << UInt8(random.below(8)) }
      for _ in 0..<round { bytes[random.below(20) * 16] ^= 1 }
      try machine.disk.place(bytes, at: "/" + Self.slots)
      _ = try Self.readAll(machine, sample)
    }
    for end in [0, 63, 64, 65_536, 65_537, count / 2, count - 1] {
      let bytes = try #require(machine.disk.contents()[Self.slots])
      try machine.disk.place(Array(bytes.prefix(end)), at: "/" + Self.slots)
      _ = try Self.readAll(machine, sample)
    }
    #expect(try Self.readAll(machine, sample) == 0)
  }

  /// A machine goes back to an earlier state and on from there: its new files have the numbers of others.
  @Test func slotsOfAnotherFileWithTheSameNumberAreNotTaken() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 3)
    var store = try machine.open()
    try sample.write(200, to: store)
    try store.upload()
    try store.close()
    let earlier = machine.disk.killImage()
    var other = Sample(seed: 4)
    other.expected = sample.expected
    var options = machine.connected()
    options.bucket?.takesOver = true
    for isOther in [false, true] {
      store = try machine.open(options, on: isOther ? earlier : machine.disk)
      if isOther { try other.write(500, to: store) } else { try sample.write(500, to: store) }
      try store.compact()
      try store.upload()
      try store.evict()
      #expect(try (isOther ? other : sample).difference(from: store) == nil)
      try store.close()
    }
    // What was kept before, and what yet another store kept.
    let foreign = TieredStore()
    _ = try Self.closedStore(foreign, seed: 9)
    for disk in [machine.disk, foreign.disk] {
      let bytes = try #require(disk.contents()[Self.slots])
      try earlier.place(bytes, at: "/" + Self.slots)
      #expect(try Self.readAll(machine, other, on: earlier, options) > 0)
    }
  }

  @Test(arguments: [
    Fault(.write, "slots", effect: .partial(1_000, .full), lasts: .forGood),
    Fault(.write, "slots", effect: .error(.device), lasts: .forGood),
    Fault(.read, "slots", effect: .error(.device), lasts: .forGood),
    Fault(.read, "slots", effect: .short(1_000), lasts: .forGood),
    Fault(.open, "slots", effect: .error(.tooManyOpen), lasts: .forGood),
    Fault(.open, "slots", effect: .error(.wrongKind), lasts: .forGood),
    Fault(.truncate, "slots", lasts: .forGood),
  ])
  func aCacheThatFailsFailsNobody(_ fault: Fault) throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine)
    machine.disk.inject(fault)
    _ = try Self.readAll(machine, sample)
    try machine.disk.openDirectory(at: "/store", create: false).remove("slots")
    machine.disk.inject(Fault(.create, "slots", lasts: .forGood))
    _ = try Self.readAll(machine, sample)
  }

  @Test func aFullDiskFailsNoRead() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 4)
    let store = try machine.open()
    try sample.write(500, to: store)
    try store.upload()
    try store.evict()
    machine.disk.setCapacity(bytes: machine.disk.usedBytes + 100_000)
    #expect(try sample.difference(from: store) == nil)
    machine.disk.setCapacity(bytes: nil)
    try store.close()
    _ = try Self.readAll(machine, sample)
  }

  /// The power is cut before each call that changes the file.
  @Test func aCrashLeavesNothingWrong() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 5)
    let store = try machine.open()
    try sample.write(300, to: store)
    try store.upload()
    try store.evict()
    let images = Monitor<[(String, SimulatedFileSystem)]>([])
    let disk = machine.disk
    disk.observeSteps { step in
      guard step.name == "slots" else { return }
      images.withLock { images in
        let modes: [CrashMode] = [.durableOnly, .everything, .sectors, .unlinkWithoutRename]
        let mode = modes[images.count % modes.count]
        let image = disk.crashImage(mode, seed: UInt64(images.count))
        images.append(("\(images.count), \(mode)", image))
      }
    }
    #expect(try sample.difference(from: store) == nil)
    disk.observeSteps(nil)
    try store.close()
    let all = images.withLock { $0 }
    #expect(all.count > 8)
    // Each image is a machine that goes on from the same moment.
    var options = machine.connected()
    options.bucket?.takesOver = true
    for (place, image) in all {
      let store = try machine.open(options, on: image)
      if let difference = try sample.difference(from: store) {
        Issue.record("\(place): \(difference)")
      }
      try store.close()
    }
  }

  @Test func whoOnlyLooksChangesNothing() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine)
    var bytes = try #require(machine.disk.contents()[Self.slots])
    for place in stride(from: 65_536, to: bytes.count, by: 131_072) { bytes[place] ^= 1 }
    try machine.disk.place(bytes, at: "/" + Self.slots)
    let before = machine.disk.fingerprint()
    var options = machine.connected()
    options.access = .readOnly
    #expect(try Self.readAll(machine, sample, options) > 0)
    #expect(machine.disk.fingerprint() == before)
    let verifier = try StoreVerifier(
      at: "/store", bucket: machine.bucket.connect(), on: machine.disk)
    #expect(try verifier.run(.deep).isSound)
    #expect(machine.disk.fingerprint() == before)
  }

  /// What a store that was closed still fetches for a reader changes no file.
  @Test func aFetchThatEndsAfterTheStoreWasClosedChangesNoFile() throws {
    let machine = TieredStore()
    let expected = try LongStore.make(machine)
    let connection = machine.bucket.connect()
    let store = try machine.open(machine.connected(connection))
    let keyspace = try store.keyspace("long")
    let phase = Monitor(0)
    connection.setBeforeEachCall { kind, _ in
      guard kind == .read else { return }
      phase.withLock { $0 = max($0, 1) }
      phase.broadcast()
      _ = phase.wait { $0 == 2 }
    }
    let key = try #require(expected.keys.max())
    let found = Monitor<[UInt8]?>(nil)
    let reader = try WorkerThread(name: "reader") {
      let value = try? keyspace.value(for: key)
      found.withLock { $0 = value }
    }
    #expect(phase.wait { $0 == 1 })
    try store.close()
    let before = machine.disk.fingerprint()
    phase.withLock { $0 = 2 }
    phase.broadcast()
    reader.join()
    #expect(found.withLock { $0 } == expected[key])
    #expect(machine.disk.fingerprint() == before)
  }
}
