import Glibc
import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What is written is in the bucket's logs before it is in a file: it outlives the machine.
@Suite struct RemoteLogTests {
  private static func logging(
    _ machine: TieredStore, _ connection: SimulatedObjectStore? = nil
  ) -> StoreOptions {
    var options = machine.connected(connection)
    options.bucket?.logInterval = 1
    return options
  }

  @Test func whatWasConfirmedOutlivesTheMachine() throws {
    let machine = TieredStore()
    let store = try machine.open(Self.logging(machine))
    let keyspace = try store.keyspace("sample")
    try keyspace.put("small", [1], durability: .remote)
    let large = [UInt8](repeating: 7, count: 3_000_000)
    try keyspace.put("large", large, durability: .remote)
    var batch = WriteBatch()
    batch.put("a", Array(repeating: 3, count: 200_000), in: keyspace)
    batch.put("b", [4], in: keyspace)
    batch.delete("small", in: keyspace)
    try store.commit(batch, durability: .remote)
    let other = try store.keyspace("other")
    try other.put("there", [5], durability: .buffered)
    try store.sync(.remote)
    try keyspace.put("lost", [6])
    // The machine is gone.
    let restored = try machine.openElsewhere(on: SimulatedFileSystem(), Self.logging(machine))
    let there = try restored.keyspace("sample")
    #expect(try there.value(for: "large") == large)
    #expect(try there.value(for: "a") == Array(repeating: 3, count: 200_000))
    #expect(try there.value(for: "b") == [4])
    #expect(try there.value(for: "small") == nil)
    #expect(try there.value(for: "lost") == nil)
    #expect(try restored.keyspace("other").value(for: "there") == [5])
    #expect(try storeCode { try keyspace.put("late", [7], durability: .remote) } == .fenced)
    try there.put("next", [8], durability: .remote)
    let third = try machine.openElsewhere()
    #expect(try third.keyspace("sample").value(for: "next") == [8])
    #expect(try third.keyspace("sample").value(for: "large") == large)
    for store in [store, restored, third] { try store.close() }
  }

  /// Nobody knows what a damaged log holds, but whoever wrote it: by force, it goes on.
  @Test(arguments: [false, true])
  func aDamagedLogKeepsItsMachineAwayUntilItTakesOver(isMissing: Bool) throws {
    let machine = TieredStore()
    let store = try machine.open(Self.logging(machine))
    let keyspace = try store.keyspace("sample")
    try store.upload()
    try keyspace.put("key", [1], durability: .remote)
    try keyspace.put("other", [1], durability: .remote)
    try store.close()
    let logs = machine.bucket.names.filter { $0.description.hasPrefix(BucketLayout.logs) }
    let log = try #require(isMissing ? logs.first : logs.last)
    var bytes = try #require(machine.bucket.bytes(of: log))
    bytes[bytes.count / 2] ^= 1
    machine.bucket.tamper(log, with: isMissing ? nil : bytes)
    #expect(try storeCode { try machine.open(Self.logging(machine)) } == .corrupted)
    var options = Self.logging(machine)
    options.bucket?.takesOver = true
    let again = try machine.open(options)
    let there = try again.keyspace("sample")
    #expect(try there.value(for: "key") == [1])
    try there.put("next", [2], durability: .remote)
    try again.upload()
    try again.close()
    // What was damaged is behind the newest version now.
    let other = try machine.openElsewhere()
    #expect(try other.keyspace("sample").value(for: "next") == [2])
    try other.close()
  }

  @Test func aWriteThatWaitsForTheBucketIsOneRequest() throws {
    let machine = TieredStore()
    let store = try machine.open(Self.logging(machine))
    let keyspace = try store.keyspace("sample")
    try keyspace.put("first", [0], durability: .remote)
    for number in 0..<20 {
      let made = try machine.bucket.requests {
        try keyspace.put("key-\(number)", [UInt8](repeating: 1, count: 500), durability: .remote)
      }
      #expect(made == ["put log"])
    }
    #expect(try machine.bucket.requests { try store.sync(.remote) }.isEmpty)
    // Files make the logs unneeded.
    try store.upload()
    // But for a look whether all is there.
    #expect(try machine.bucket.requests { try store.upload() } == ["read store", "list file"])
    try store.close()
  }

  @Test func withoutLogsWholeFilesArePut() throws {
    let machine = TieredStore()
    let store = try machine.open()
    try store.keyspace("sample").put("key", [1], durability: .remote)
    let other = try machine.openElsewhere()
    #expect(try other.keyspace("sample").value(for: "key") == [1])
    #expect(!machine.bucket.names.contains { $0.description.hasPrefix("log/") })
    try other.close()
    try store.close()
  }

  @Test func withoutABucketThereIsNothingToWaitFor() throws {
    let machine = TieredStore()
    let store = try machine.open(machine.options)
    let keyspace = try store.keyspace("sample")
    #expect(try storeCode { try keyspace.put("key", [1], durability: .remote) } == .invalid)
    try store.close()
  }

  /// Whoever is told of what the store does may use it.
  @Test func whoIsToldMayWaitForTheBucketToo() throws {
    let machine = TieredStore()
    let held = Monitor<Keyspace?>(nil)
    var options = Self.logging(machine)
    options.onEvent = { event in
      guard case .uploaded = event, let keyspace = held.withLock({ $0 }) else { return }
      held.withLock { $0 = nil }
      try? keyspace.put("told", [1], durability: .remote)
    }
    let store = try machine.open(options)
    let keyspace = try store.keyspace("sample")
    held.withLock { $0 = keyspace }
    try keyspace.put("key", [2], durability: .remote)
    let other = try machine.openElsewhere()
    #expect(try other.keyspace("sample").value(for: "told") == [1])
    try other.close()
    try store.close()
  }

  /// A bucket that is away is not flushed for.
  @Test func aBucketThatIsAwayCostsNoSegments() throws {
    let machine = TieredStore()
    try machine.open(Self.logging(machine)).close()
    let away = machine.bucket.connect()
    away.setFaults { _, _, _ in .requestLost }
    var options = Self.logging(machine, away)
    options.bucket?.opensWithoutBucket = true
    let store = try machine.open(options)
    let keyspace = try store.keyspace("default")
    func segments() throws -> Int {
      try machine.disk.openDirectory(at: "/store", create: false).names().count {
        $0.hasPrefix("segment")
      }
    }
    let before = try segments()
    for number in 0..<5 {
      #expect(
        try storeCode { try keyspace.put("key", [UInt8(number)], durability: .remote) }
          == .unavailable)
    }
    #expect(try segments() == before)
    #expect(try keyspace.value(for: "key") == [4])
    try store.close()
  }

  /// Of this directory, and yet behind what it had put there.
  @Test func aDirectoryThatWasCopiedBeforeALogIsNoNewerState() throws {
    let machine = TieredStore()
    let store = try machine.open(Self.logging(machine))
    let keyspace = try store.keyspace("sample")
    try keyspace.put("first", [1], durability: .remote)
    let copy = machine.disk.killImage()
    try keyspace.put("second", [2], durability: .remote)
    try store.close()
    #expect(try storeCode { _ = try machine.open(Self.logging(machine), on: copy) } == .fenced)
    let again = try machine.open(Self.logging(machine))
    #expect(try again.keyspace("sample").value(for: "second") == [2])
    try again.close()
  }

  /// What the other wrote is no part of the store any more, its logs neither.
  @Test(arguments: [false, true])
  func whatIsTakenOverByForceLeavesTheOthersLogsOut(isAtRest: Bool) throws {
    let machine = TieredStore()
    let store = try machine.open(Self.logging(machine))
    let keyspace = try store.keyspace("sample")
    try keyspace.put("first", [1], durability: .remote)
    let copy = machine.disk.killImage()
    try keyspace.put("theirs", [2], durability: .remote)
    try store.close()
    var options = Self.logging(machine)
    options.bucket?.takesOver = true
    let forced = try machine.open(options, on: copy)
    // What was to be put is there already, and must be said again.
    if isAtRest { try forced.sync(.remote) }
    try forced.keyspace("sample").put("ours", [3], durability: .remote)
    let other = try machine.openElsewhere()
    let there = try other.keyspace("sample")
    #expect(try there.value(for: "first") == [1])
    #expect(try there.value(for: "theirs") == nil)
    #expect(try there.value(for: "ours") == [3])
    for store in [forced, other] { try store.close() }
  }

  /// Restoring that breaks off anywhere is begun again, and finds all.
  @Test func restoringBreaksOffAnywhere() throws {
    let machine = TieredStore()
    let store = try machine.open(Self.logging(machine))
    var sample = Sample(seed: 6)
    try sample.write(50, to: store)
    try store.sync(.remote)
    for number in 0..<5 {
      let key = "late-\(number)"
      try store.keyspace("sample").put(key, [UInt8(number)], durability: .remote)
      sample.expected[key] = [UInt8(number)]
    }
    let whole = SimulatedFileSystem()
    try machine.openElsewhere(on: whole).close()
    #expect(whole.steps > 20)
    for step in stride(from: 1, through: whole.steps, by: 3) {
      let disk = SimulatedFileSystem()
      disk.crash(atStep: step)
      _ = try? machine.openElsewhere(on: disk)
      let image = disk.crashImage(
        [.durableOnly, .everything, .sectors, .unlinkWithoutRename][step % 4], seed: UInt64(step))
      let restored: SegmentStore
      do {
        restored = try machine.openElsewhere(on: image)
      } catch let error as StoreError where error.code == .exists {
        restored = try machine.open(on: image)
      }
      let difference = try sample.difference(from: restored)
      #expect(difference == nil, "step \(step)")
      try restored.close()
    }
  }

  /// A log that was tampered with, or is missing between others, is told and not passed over.
  @Test func damageIsTold() throws {
    for damage in 0..<5 {
      let machine = TieredStore()
      let store = try machine.open(Self.logging(machine))
      let keyspace = try store.keyspace("sample")
      for number in 0..<4 { try keyspace.put("key", [UInt8(number)], durability: .remote) }
      let logs = machine.bucket.names.filter { $0.description.hasPrefix("log/") }
      var bytes = machine.bucket.bytes(of: logs[1])
      switch damage {
      case 0: bytes?[70] ^= 1
      case 1: bytes?.removeLast()
      case 2: bytes = machine.bucket.bytes(of: logs[2])
      case 3: bytes = nil
      // One that nobody put, far behind the last.
      default:
        let far = try #require(ObjectName("log/00072057594037927936"))
        _ = try machine.bucket.connect().put(
          far, ObjectContent(bytes ?? []), if: .absent, class: nil)
      }
      machine.bucket.tamper(logs[1], with: bytes)
      #expect(try storeCode { _ = try machine.openElsewhere() } == .corrupted)
    }
  }
}

/// The same beside threads.
@Suite struct RemoteLogThreadTests {
  private static func open(_ machine: TieredStore, logBytes: Int) throws -> SegmentStore {
    var options = machine.connected()
    options.bucket?.logInterval = 3_600
    options.bucket?.logBytes = logBytes
    return try SegmentStore.open(
      at: "/store", options: options,
      components: StoreComponents(
        fileSystem: machine.disk, clock: SystemClock(), random: SystemRandom(),
        background: .threads))
  }

  @Test func enoughBytesArePutByThemselves() throws {
    let machine = TieredStore()
    let store = try Self.open(machine, logBytes: 100_000)
    let keyspace = try store.keyspace("sample")
    try store.sync(.remote)
    for number in 0..<300 {
      try keyspace.put("key-\(number)", [UInt8](repeating: 1, count: 500), durability: .buffered)
    }
    var logs = 0
    for _ in 0..<2_000 where logs == 0 {
      logs = machine.bucket.names.count { $0.description.hasPrefix("log/") }
      if logs == 0 { usleep(5_000) }
    }
    #expect(logs > 0)
    try store.close()
  }

  @Test func writersShareARequest() throws {
    let machine = TieredStore()
    let store = try Self.open(machine, logBytes: 1 << 20)
    let keyspace = try store.keyspace("sample")
    try store.sync(.remote)
    let threads = try (0..<8).map { thread in
      try WorkerThread(name: "writer \(thread)") {
        for number in 0..<50 {
          try? keyspace.put("key-\(thread)-\(number)", [UInt8(number)], durability: .remote)
        }
      }
    }
    for thread in threads { thread.join() }
    let logs = machine.bucket.names.count { $0.description.hasPrefix("log/") }
    #expect(1...400 ~= logs)
    let elsewhere = try machine.openElsewhere()
    var count = 0
    for _ in try elsewhere.keyspace("sample").entries() { count += 1 }
    #expect(count == 400)
    try elsewhere.close()
    try store.close()
  }
}
