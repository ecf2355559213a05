import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What could go wrong between a store, its directory and its bucket, and may not.
@Suite struct TierBreachTests {
  /// A store with some of its files only in the bucket, closed.
  private static func closedStore(
    _ machine: TieredStore, seed: UInt64 = 1
  ) throws -> Sample {
    var sample = Sample(seed: seed)
    let store = try machine.open()
    try sample.write(300, to: store)
    try store.upload()
    try store.evict()
    try store.close()
    return sample
  }

  @Test func anotherBucketIsNotBegunWhereFilesLieInOne() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine)
    let before = machine.disk.contents().filter { !$0.key.hasSuffix("/bucket") }
    var options = machine.connected(SimulatedBucket().connect())
    #expect(try storeCode { _ = try machine.open(options) } == .unavailable)
    options.bucket?.takesOver = true
    #expect(try storeCode { _ = try machine.open(options) } == .unavailable)
    #expect(machine.disk.contents().filter { !$0.key.hasSuffix("/bucket") } == before)
    let store = try machine.open()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  @Test func aDirectoryThatWasCopiedEarlierIsNoNewerState() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 2)
    let store = try machine.open()
    try sample.write(200, to: store)
    try store.upload()
    let copy = machine.disk.killImage()
    try sample.write(200, to: store)
    try store.upload()
    try store.close()
    // Of the same writer, and yet not what the bucket has.
    #expect(try storeCode { _ = try machine.open(on: copy) } == .fenced)
    let again = try machine.open()
    #expect(try sample.difference(from: again) == nil)
    try again.close()
  }

  @Test func twoFilesOfOneNumberAreTold() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 3)
    let store = try machine.open()
    try sample.write(200, to: store)
    try store.upload()
    let copy = machine.disk.killImage()
    var other = sample
    try other.write(200, to: store)
    try store.upload()
    try store.close()
    // The copy goes on by force: its files have the numbers of the other's.
    var options = machine.connected()
    options.bucket?.takesOver = true
    let forced = try machine.open(options, on: copy)
    try sample.write(250, to: forced)
    try forced.upload()
    try forced.evict()
    #expect(try sample.difference(from: forced) == nil)
    try forced.close()
    let elsewhere = try machine.openElsewhere()
    #expect(try sample.difference(from: elsewhere) == nil)
    try elsewhere.close()
  }

  /// Whoever was taken over from finds out at its next contact, and changes nothing from then on: what it had not
  /// put into the bucket can be read, and is no part of the store.
  @Test func whoWasTakenOverFromKeepsWhatItHas() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 9)
    let store = try machine.open()
    try sample.write(200, to: store)
    try store.upload()
    let keyspace = try store.keyspace("sample")
    try keyspace.put("only here", [1])
    sample.expected["only here"] = [1]
    let other = try machine.openElsewhere()
    // It does not know yet.
    try keyspace.put("only here too", [2])
    sample.expected["only here too"] = [2]
    #expect(try storeCode { try store.upload() } == .fenced)
    for _ in 0..<2 { #expect(try storeCode { try keyspace.put("more", [3]) } == .fenced) }
    #expect(try storeCode { _ = try store.keyspace("new") } == .fenced)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    let before = machine.disk.contents()
    var options = machine.connected()
    #expect(try storeCode { _ = try machine.open(options) } == .fenced)
    // Nor without the bucket.
    let away = machine.bucket.connect()
    away.close()
    var alone = machine.connected(away)
    alone.bucket?.opensWithoutBucket = true
    #expect(try storeCode { _ = try machine.open(alone) } == .fenced)
    #expect(try storeCode { _ = try machine.open(machine.options) } == .fenced)
    options.access = .readOnly
    let reading = try machine.open(options)
    #expect(try sample.difference(from: reading) == nil)
    try reading.close()
    #expect(machine.disk.contents() == before)
    #expect(try other.keyspace("sample").value(for: "only here") == nil)
    try other.close()
    options.access = .readWrite
    // A claim that fails changes nothing of that.
    let lost = machine.bucket.connect()
    lost.setFaults { _, _, _ in .requestLost }
    alone = machine.connected(lost)
    alone.bucket?.takesOver = true
    #expect(try storeCode { _ = try machine.open(alone) } == .unavailable)
    #expect(try storeCode { _ = try machine.open(machine.options) } == .fenced)
    options.bucket?.takesOver = true
    let forced = try machine.open(options)
    try forced.keyspace("sample").put("more", [3])
    sample.expected["more"] = [3]
    try forced.upload()
    try forced.close()
    let again = try machine.open()
    #expect(try sample.difference(from: again) == nil)
    try again.close()
  }

  /// Its numbers are later than those of what it does not know.
  @Test(arguments: [false, true], [false, true])
  func aCopyThatWentOnWithoutTheBucketIsNotTheNewest(logs: Bool, isAway: Bool) throws {
    let machine = TieredStore()
    func options() -> StoreOptions {
      var options = machine.connected()
      if logs { options.bucket?.logInterval = 60 }
      return options
    }
    let store = try machine.open(options())
    let keyspace = try store.keyspace("sample")
    try keyspace.put("first", [1], durability: .remote)
    let copy = machine.disk.killImage()
    try keyspace.put("only there", [2], durability: .remote)
    try store.close()
    var alone = machine.options
    if isAway {
      let connection = machine.bucket.connect()
      connection.setFaults { _, _, _ in .refused }
      alone = machine.connected(connection)
      alone.bucket?.opensWithoutBucket = true
    }
    for number in 0..<20 {
      let other = try machine.open(alone, on: copy)
      try other.keyspace("sample").put("only here", [UInt8(number)])
      try other.flush()
      try other.close()
    }
    #expect(try storeCode { _ = try machine.open(options(), on: copy) } == .fenced)
    let again = try machine.open(options())
    #expect(try again.keyspace("sample").value(for: "only there") == [2])
    try again.close()
  }

  @Test(arguments: [false, true])
  func whoeverWasWithoutTheBucketGoesOnThere(logs: Bool) throws {
    let machine = TieredStore()
    var options = machine.connected()
    if logs { options.bucket?.logInterval = 60 }
    var store = try machine.open(options)
    try store.keyspace("sample").put("first", [1], durability: .remote)
    try store.close()
    store = try machine.open(machine.options)
    try store.keyspace("sample").put("second", [2])
    try store.close()
    for _ in 0..<2 {
      store = try machine.open(options)
      try store.keyspace("sample").put("third", [3], durability: .remote)
      try store.close()
    }
    let found = try machine.openElsewhere()
    #expect(try found.keyspace("sample").value(for: "second") == [2])
    #expect(try found.keyspace("sample").value(for: "third") == [3])
    try found.close()
  }

  @Test func readingOnlyChangesNothing() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine, seed: 4)
    // Without what is kept of cold files they are asked for.
    let directory = try machine.disk.openDirectory(at: "/store", create: false)
    for name in try directory.names() where name.hasSuffix(".tail") { try directory.remove(name) }
    let before = machine.disk.contents()
    var options = machine.connected()
    options.access = .readOnly
    let store = try machine.open(options)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    #expect(machine.disk.contents() == before)
    let connection = machine.bucket.connect()
    #expect(
      try StoreVerifier(at: "/store", bucket: connection, on: machine.disk).run(.deep).isSound)
    #expect(machine.disk.contents() == before)
  }

  /// The store is closed while an upload waits for its bucket: what comes back changes no file.
  @Test func whatComesBackAfterClosingChangesNothing() throws {
    for request in 1...8 {
      let machine = TieredStore()
      let connection = machine.bucket.connect()
      let store = try machine.open(machine.connected(connection))
      var sample = Sample(seed: 5)
      try sample.write(150, to: store)
      try store.upload()
      try sample.write(100, to: store)
      let first = connection.callCount
      let closed = Monitor<[String: [UInt8]]?>(nil)
      let disk = machine.disk
      connection.setBeforeEachCall { _, _ in
        guard connection.callCount == first + request - 1 else { return }
        try? store.close()
        closed.withLock { $0 = disk.contents() }
      }
      let code = try storeCode { try store.upload() }
      guard let after = closed.withLock({ $0 }) else { break }
      #expect(code == .closed || code == nil, "request \(request): \(code as Any)")
      #expect(disk.contents() == after, "request \(request)")
      let again = try machine.open()
      #expect(try sample.difference(from: again) == nil)
      try again.close()
    }
  }

  @Test func evictionMakesRoomOnAFullDisk() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 6)
    let store = try machine.open()
    try sample.write(300, to: store)
    try store.compact()
    try store.upload()
    machine.disk.setCapacity(bytes: 0)
    // The manifest of the eviction may find no room before files are gone; the files do go.
    _ = try? store.evict()
    machine.disk.setCapacity(bytes: nil)
    #expect(try store.bucketStatus().local.files == 0)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    let again = try machine.open()
    #expect(try sample.difference(from: again) == nil)
    try again.close()
  }

  @Test func aStoreIsRestoredOnlyWhereNoneIs() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine, seed: 7)
    #expect(try storeCode { _ = try machine.openElsewhere(on: machine.disk) } == .exists)
    let other = SimulatedFileSystem()
    let directory = try other.openDirectory(at: "/store", create: true)
    try directory.create("letter.txt").close()
    #expect(try storeCode { _ = try machine.openElsewhere(on: other) } == .notEmpty)
    #expect(try directory.names() == ["letter.txt"])
    let store = try machine.open()
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  /// The power is cut at every call of a restore: it can be done again, or was done.
  @Test func aRestoreThatWasCutOffIsDoneAgain() throws {
    let machine = TieredStore()
    let sample = try Self.closedStore(machine, seed: 8)
    var step = 1
    while true {
      let disk = SimulatedFileSystem()
      disk.crash(atStep: step)
      let isDone = (try? machine.openElsewhere(on: disk).close()) != nil
      let modes: [CrashMode] =
        step % 2 == 0 ? [.durableOnly, .renamesOnly] : [.everything, .sizeWithoutData]
      for mode in modes {
        let image = disk.crashImage(mode, seed: UInt64(step))
        var opened = try? machine.openElsewhere(on: image)
        // It was done. Another image took over from it since.
        var options = machine.connected()
        options.bucket?.takesOver = true
        if opened == nil { opened = try machine.open(options, on: image) }
        let store = try #require(opened)
        if let difference = try sample.difference(from: store) {
          Issue.record("step \(step), \(mode): \(difference)")
        }
        try store.close()
      }
      if isDone { break }
      step += 1
    }
    #expect(step > 10)
  }

  @Test func anIntervalThatCannotBeMeantIsRefused() throws {
    let machine = TieredStore()
    for interval in [0, -1, Int.max] {
      var options = machine.connected()
      options.bucket?.uploadInterval = interval
      #expect(try storeCode { _ = try machine.open(options) } == .invalid)
    }
  }
}
