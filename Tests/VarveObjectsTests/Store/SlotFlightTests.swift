import Testing
@testable import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Many readers come to what is cold at once: one request is made.
@Suite struct SlotFlightTests {
  private static func key(_ slot: UInt64) -> SlotKey {
    SlotKey(file: FileID(low: 1, high: 1), slot: slot)
  }

  private static func block() -> CachedBlock { CachedBlock(AlignedBuffer(capacity: 1), count: 1) }

  private static func lead(
    _ flights: SlotFlights, _ missing: ClosedRange<UInt64>, through last: UInt64? = nil,
    has: Set<UInt64> = []
  ) -> (Range<UInt64>, SlotFlight)? {
    let turn = flights.turn(
      for: missing, through: last ?? missing.upperBound, of: key,
      isMissing: { !has.contains($0) }, isWanted: { !has.contains($0) })
    if case .lead(let slots, let flight)? = turn { return (slots, flight) }
    return nil
  }

  private static func join(
    _ flights: SlotFlights, _ missing: ClosedRange<UInt64>
  ) -> SlotFlight? {
    let turn = flights.turn(
      for: missing, through: missing.upperBound, of: key, isMissing: { _ in true },
      isWanted: { _ in true })
    if case .join(let flight)? = turn { return flight }
    return nil
  }

  @Test func whatIsOnItsWayIsJoinedAndTheRestIsLed() throws {
    let flights = SlotFlights()
    let (first, flight) = try #require(Self.lead(flights, 3...4, through: 6, has: [6]))
    #expect(first == 3..<6)
    #expect(Self.join(flights, 4...5) === flight)
    let (rest, other) = try #require(Self.lead(flights, 4...8))
    #expect(rest == 6..<9)
    #expect(Self.lead(flights, 1...8)?.0 == 1..<3)
    #expect(Self.lead(flights, 9...9, has: [9]) == nil)
    flights.land(flight, .success([Self.block(), Self.block(), Self.block()]), of: Self.key)
    #expect(try flight.wait().count == 3)
    #expect(Self.lead(flights, 3...3)?.0 == 3..<4)
    flights.land(
      other, .failure(FileSystemError(.read, .device, path: "file")), of: Self.key)
    #expect(throws: FileSystemError.self) { try other.wait() }
    #expect(Self.lead(flights, 7...7)?.0 == 7..<8)
  }

  /// Memory knows files by their numbers: of two with one number neither is read for the other.
  @Test func whatAnotherFileOfTheNumberLeftIsNotTaken() throws {
    let connection = SimulatedBucket().connect()
    let files = ColdFiles(budget: 8 << 20)
    files.connect(connection, keepsEnds: false)
    var random = SplitMix64(seed: 2)
    let contents = [random.bytes(65_536 + 100), random.bytes(3 * 65_536)]
    for bytes in contents {
      let copy = BucketObject(
        epoch: 1, digest: bytes.withByteView(SHA256.digest(of:)), tailBytes: 0)
      let file = BucketFile(.values, 50, copy)
      _ = try connection.put(
        BucketLayout.file(file), ObjectContent(bytes), if: .always, class: nil)
      let slots = ColdSlots(
        files, ColdPlace(file: file, size: UInt64(bytes.count)), in: files.slots, kept: nil)
      let range = bytes.count - 60..<bytes.count
      let buffer = AlignedBuffer(capacity: 2_000)
      for range in [range, 65_536 + 40..<min(bytes.count, 65_536 + 1_500)] {
        _ = try slots.read(
          UInt64(range.lowerBound)..<UInt64(range.upperBound), expecting: 0..<0, into: buffer)
        let isRight = buffer.view(count: range.count).array == Array(bytes[range])
        #expect(isRight, "\(range)")
      }
    }
  }

  /// By forged bytes two files have one digest: what comes for the short one is not taken for the long one.
  @Test func whatIsOnItsWayForAnotherFileIsNotTaken() throws {
    let connection = SimulatedBucket().connect()
    let files = ColdFiles(budget: 8 << 20)
    files.connect(connection, keepsEnds: false)
    var random = SplitMix64(seed: 3)
    let contents = [random.bytes(4_096), random.bytes(200_000)]
    let digest = contents[0].withByteView(SHA256.digest(of:))
    let slots = try contents.enumerated().map { number, bytes in
      let copy = BucketObject(epoch: 1, digest: digest, tailBytes: 0)
      let file = BucketFile(.values, 50 + UInt64(number), copy)
      _ = try connection.put(
        BucketLayout.file(file), ObjectContent(bytes), if: .always, class: nil)
      return ColdSlots(
        files, ColdPlace(file: file, size: UInt64(bytes.count)), in: files.slots, kept: nil)
    }
    let (isFirstThere, isSecondThere) = (Monitor(false), Monitor(false))
    connection.setBeforeEachCall { _, _ in
      isFirstThere.withLock { $0 = true }
      isFirstThere.broadcast()
      let system = SystemClock()
      _ = isSecondThere.wait(until: system.monotonicNanoseconds() + 200_000_000) { $0 }
      // It is about to look; that it does is seen by nobody.
      _ = isSecondThere.wait(until: system.monotonicNanoseconds() + 100_000_000) { !$0 }
    }
    let found = Monitor<[Int: [UInt8]]>([:])
    let ranges = [100..<200, 40_000..<41_000]
    let threads = try (0..<2).map { number in
      try WorkerThread(name: "reader") {
        if number == 1 {
          _ = isFirstThere.wait { $0 }
          isSecondThere.withLock { $0 = true }
          isSecondThere.broadcast()
        }
        let (buffer, range) = (AlignedBuffer(capacity: 1_000), ranges[number])
        _ = try? slots[number].read(
          UInt64(range.lowerBound)..<UInt64(range.upperBound), expecting: 0..<0, into: buffer)
        found.withLock { $0[number] = buffer.view(count: range.count).array }
      }
    }
    for thread in threads { thread.join() }
    for number in 0..<2 {
      #expect(found.withLock { $0[number] } == Array(contents[number][ranges[number]]))
    }
  }

  private static func coldStore(
    _ machine: TieredStore, _ connection: SimulatedObjectStore
  ) throws -> (SegmentStore, [String: [UInt8]]) {
    let expected = try LongStore.make(machine)
    var options = machine.connected(connection)
    options.bucket?.diskCacheBytes = 0
    let store = try machine.open(options)
    // What a search needs is there.
    _ = try store.keyspace("long").value(for: try #require(expected.keys.min()))
    return (store, expected)
  }

  /// Eight keys whose entries lie in several blocks of the last slot: those of a block wait for the block.
  private static func keys(_ expected: [String: [UInt8]]) -> [String] {
    // Of more the first block would begin in the slot before.
    let last = expected.keys.sorted().suffix(160)
    return stride(from: 0, to: 160, by: 20).map { last[last.startIndex + $0] }
  }

  /// Reads the keys on as many threads; the first request waits until all of them came, most likely. Returns
  /// what they found; nil stands for an error.
  private static func readAtOnce(
    _ store: SegmentStore, _ keys: [String], _ connection: SimulatedObjectStore
  ) throws -> [String: [UInt8]] {
    let keyspace = try store.keyspace("long")
    let arrived = Monitor(0)
    let results = Monitor<[String: [UInt8]]>([:])
    connection.setBeforeEachCall { _, _ in
      _ = arrived.wait { $0 == 8 }
      // They are about to look; that they do is seen by nobody.
      let system = SystemClock()
      _ = arrived.wait(until: system.monotonicNanoseconds() + 100_000_000) { $0 > 8 }
    }
    let threads = try keys.map { key in
      try WorkerThread(name: "reader") {
        arrived.withLock { $0 += 1 }
        arrived.broadcast()
        let found = try? keyspace.value(for: key)
        results.withLock { $0[key] = found }
      }
    }
    for thread in threads { thread.join() }
    connection.setBeforeEachCall { _, _ in }
    return results.withLock { $0 }
  }

  @Test func manyReadersMakeOneRequest() throws {
    let machine = TieredStore()
    let connection = machine.bucket.connect()
    let (store, expected) = try Self.coldStore(machine, connection)
    let keys = Self.keys(expected)
    machine.bucket.forgetCalls()
    let found = try Self.readAtOnce(store, keys, connection)
    for key in keys { #expect(found[key] == expected[key]) }
    #expect(machine.bucket.calls.count == 1, "\(machine.bucket.calls)")
    try store.close()
  }

  @Test func aRequestThatFailsFailsThoseWhoWaitAndNobodyElse() throws {
    let machine = TieredStore()
    let connection = machine.bucket.connect()
    let (store, expected) = try Self.coldStore(machine, connection)
    let keys = Self.keys(expected)
    let before = connection.callCount
    connection.setFaults { _, _, _ in .refused }
    #expect(try Self.readAtOnce(store, keys, connection).isEmpty)
    #expect(connection.callCount < before + keys.count)
    connection.setFaults { _, _, _ in nil }
    for key in keys {
      #expect(try store.keyspace("long").value(for: key) == expected[key])
    }
    try store.close()
  }

  /// Cells change hands while others read them.
  @Test func threadsThatShareAFewCellsNeverSeeAnothersSlot() throws {
    let disk = SimulatedFileSystem()
    let directory = try disk.openDirectory(at: "/store", create: true)
    let gate = ChangeGate(isOpen: true)
    let cache = SlotCache(
      in: directory, of: FileID(low: 1, high: 2), budget: UInt64(9 * SlotFile.unitBytes), gate)
    let wrong = Monitor(0)
    let threads = try (0..<4).map { seed in
      try WorkerThread(name: "user") {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<400 {
          let slot = UInt64(random.below(20))
          let key = SlotKey(file: FileID(low: slot % 3, high: 0), slot: slot)
          switch random.below(20) {
          case 0: cache.erase(file: key.file)
          case 1: cache.forget(file: key.file)
          case 2..<10: cache.keep(Self.block(filledWith: UInt8(slot)), for: key)
          default:
            guard let block = cache.block(for: key, count: 900) else { continue }
            let isRight = withExtendedLifetime(block) {
              block.bytes.array.allSatisfy { $0 == UInt8(slot) }
            }
            if !isRight { wrong.withLock { $0 += 1 } }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(wrong.withLock { $0 } == 0)
    gate.close()
    #expect(cache.bytes <= 8 * 65_536)
  }

  private static func block(filledWith byte: UInt8) -> CachedBlock {
    let buffer = AlignedBuffer(capacity: 900)
    [UInt8](repeating: byte, count: 900).withByteView { buffer.copy($0) }
    return CachedBlock(buffer, count: 900)
  }
}
