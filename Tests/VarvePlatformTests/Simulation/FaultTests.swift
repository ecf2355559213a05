import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Calls that go wrong as planned, a disk that fills up, and bits that rot.
@Suite("Planned faults")
struct FaultTests {
  let machine = SimulatedFileSystem(seed: 1)
  let directory: any Directory

  init() throws { directory = try machine.openDirectory(at: "store", create: true) }

  @Test func theCallThatWasNamedFailsOnce() throws {
    machine.inject(Fault(.write, "log", occurrence: 2, effect: .error(.full)))
    let log = try directory.create("log-1")
    let other = try directory.create("other")
    try log.write([1], at: 0)
    try other.write([1], at: 0)
    #expect(reason { try log.write([2, 2], at: 0) } == .full)
    try log.write([3], at: 0)
    #expect(try readAll("log-1", in: directory) == [3])
  }

  @Test func aFaultForGoodStays() throws {
    machine.inject(Fault(.sync, occurrence: 2, lasts: .forGood))
    let file = try directory.create("a")
    try file.sync()
    for _ in 0..<3 { #expect(reason { try file.sync() } == .device) }
    machine.clearFaults()
    try file.sync()
  }

  @Test func anyCallCanBeCountedDownTo() throws {
    machine.inject(Fault(occurrence: 3, effect: .error(.permission)))
    _ = try directory.names()
    _ = try directory.create("a")
    #expect(reason { _ = try directory.status(of: "a") } == .permission)
    #expect(try directory.status(of: "a") != nil)
  }

  @Test func theCallThatWasHitFirstIsKnown() throws {
    machine.inject(Fault(.sync, occurrence: 2, lasts: .forGood))
    let file = try directory.create("a")
    try file.sync()
    #expect(machine.struck == nil)
    #expect(reason { try file.sync() } == .device)
    #expect(reason { try directory.create("b").sync() } == .device)
    machine.clearFaults()
    #expect(machine.struck?.description == "sync a")
  }

  @Test func aFailedCallHasNoEffect() throws {
    let file = try directory.create("a")
    try file.write([1], at: 0)
    machine.inject(Fault(lasts: .forGood))
    #expect(reason { _ = try directory.create("b") } == .device)
    #expect(reason { try directory.rename("a", to: "b") } == .device)
    #expect(reason { try directory.remove("a") } == .device)
    #expect(reason { try file.write([9, 9], at: 0) } == .device)
    #expect(reason { try file.truncate(to: 0) } == .device)
    machine.clearFaults()
    #expect(machine.contents() == ["store/a": [1]])
  }

  @Test func aWriteStopsHalfWay() throws {
    machine.inject(Fault(.write, effect: .partial(3, .full)))
    let file = try directory.create("a")
    #expect(reason { try file.write([1, 2, 3, 4, 5], at: 0) } == .full)
    #expect(machine.contents() == ["store/a": [1, 2, 3]])
  }

  @Test func aReadComesBackShort() throws {
    let file = try directory.create("a")
    try file.write([1, 2, 3, 4, 5], at: 0)
    machine.inject(Fault(.read, effect: .short(2)))
    let buffer = AlignedBuffer(capacity: 5)
    #expect(try file.read(into: buffer, count: 5, at: 0) == 2)
    #expect(try file.read(into: buffer, count: 5, at: 0) == 5)
  }

  @Test func aFullDiskTakesWhatFits() throws {
    machine.setCapacity(bytes: 3 * 4096)
    let file = try directory.create("a")
    #expect(reason { try file.write([UInt8](repeating: 1, count: 5 * 4096), at: 100) } == .full)
    #expect(try file.size() == 3 * 4096)
    #expect(machine.usedBytes == 3 * 4096)
    // What has its place is written over freely.
    try file.write([2], at: 4096)
    try file.sync()
    #expect(reason { try directory.create("b").write([1], at: 0) } == .full)
    try directory.remove("a")
    #expect(machine.usedBytes == 3 * 4096)
    try file.close()
    #expect(machine.usedBytes == 0)
    try directory.open("b").close()
  }

  @Test func reservedRoomIsThereWhenTheDiskIsFull() throws {
    machine.setCapacity(bytes: 8 * 4096)
    let log = try directory.createLog("log", capacity: 4 * 4096)
    let file = try directory.create("a")
    try file.reserve(2 * 4096)
    #expect(reason { try file.reserve(5 * 4096) } == .full)
    #expect(reason { _ = try directory.createLog("log2", capacity: 3 * 4096) } == .full)
    #expect(try directory.status(of: "log2") == nil)
    try directory.create("b").write([UInt8](repeating: 1, count: 2 * 4096), at: 0)
    #expect(reason { try directory.create("c").write([1], at: 0) } == .full)
    try log.append([UInt8](repeating: 1, count: 4 * 4096), at: 0)
    try file.write([UInt8](repeating: 1, count: 2 * 4096), at: 0)
    try log.truncate(to: 4096)
    #expect(machine.usedBytes == 5 * 4096)
    #expect(machine.crashImage(.everything).usedBytes == 5 * 4096)
  }

  @Test func aReplacedFileGivesItsRoomBack() throws {
    for _ in 0..<3 {
      let file = try directory.create("a.new")
      try file.write([UInt8](repeating: 1, count: 5000), at: 0)
      try file.close()
      try directory.rename("a.new", to: "a")
    }
    #expect(machine.usedBytes == 2 * 4096)
  }

  @Test(arguments: CrashMode.allCases)
  func rottenBitsStayRotten(_ mode: CrashMode) throws {
    let file = try directory.create("a")
    try file.write([1, 2, 3], at: 0)
    try file.sync()
    try directory.sync()
    let mapped = try directory.map("a", size: 3)
    try machine.flip(mask: 0x80, at: 1, of: "store/a")
    #expect(try readAll("a", in: directory) == [1, 0x82, 3])
    #expect(machine.crashImage(mode).contents() == ["store/a": [1, 0x82, 3]])
    #expect(mapped.withBytes(\.array) == [1, 2, 3])
    #expect(reason { try machine.flip(mask: 1, at: 0, of: "store/b") } == .notFound)
  }

  @Test func filesCanBePlacedAtRest() throws {
    try machine.place([1, 2], at: "store/a")
    try machine.place([3], at: "store/a")
    #expect(machine.crashImage(.durableOnly).contents() == ["store/a": [3]])
    #expect(machine.usedBytes == 4096)
  }

  @Test func callsAndBytesAreCounted() throws {
    let before = machine.counts
    let file = try directory.create("a")
    try file.write([1, 2, 3], at: 0)
    try file.sync()
    try directory.sync()
    _ = try readAll("a", in: directory)
    let after = machine.counts
    #expect(after.syncs - before.syncs == 2)
    #expect(after.bytesWritten == 3 && after.bytesRead == 3)
    #expect(after.calls[.write] == 1 && after.calls[.create] == 1)
    #expect(after.total - before.total == 8)
  }

  @Test func whatStaysOpenIsReported() throws {
    let file = try directory.create("a")
    try file.write([1], at: 0)
    var mapped: MappedFile? = try directory.map("a", size: 1)
    let lock = try directory.lock("lock", isShared: false)
    withExtendedLifetime(mapped) {
      #expect(machine.leaks == ["file a", "lock lock", "mapping a"])
    }
    mapped = nil
    try file.close()
    lock.release()
    #expect(machine.leaks == [])
  }

  @Test func droppedFilesAndMappingsAreClosed() throws {
    do {
      _ = try directory.create("a")
      _ = try directory.map("a", size: 0)
      _ = try directory.lock("lock", isShared: false)
    }
    #expect(machine.leaks == [])
  }
}
