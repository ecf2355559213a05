import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Full disks, failing calls and power cuts.
@Suite("Value files under faults")
struct ValueFileFaultTests {
  /// - Parameter stores: whether files can be stored into.
  private func makeDisk(stores: Bool = true) throws -> (SimulatedFileSystem, any Directory) {
    let disk = stores ? SimulatedFileSystem() : SimulatedFileSystem(warmBytes: 0)
    return (disk, try disk.openDirectory(at: "store", create: true))
  }

  @Test("A full disk is full, harms nothing, and passes")
  func fullDisk() throws {
    let (disk, directory) = try makeDisk()
    disk.setCapacity(bytes: 100 << 10)
    let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
    var random = SeededRandom(seed: 0x5eed_3201)
    var expected: [(ValuePointer, [UInt8])] = []
    var error: StoreError?
    for _ in 0..<100 where error == nil {
      let value = random.bytes(3000)
      do { expected.append((try writer.append(value), value)) } catch let full { error = full }
    }
    #expect(error?.code == .full)
    // Room was used up to the last page or so.
    #expect(expected.count >= 25)
    #expect(storeError { _ = try writer.append(random.bytes(3000)) }?.code == .full)
    disk.setCapacity(bytes: nil)
    let last = random.bytes(3000)
    expected.append((try writer.append(last), last))
    let record = try writer.seal()
    let reader = ValueFileReader(record, in: ValueFixture.environment(directory))
    for (pointer, value) in expected { #expect(try reader.bytes(for: pointer) == value) }
    #expect(try ValueFixture.findings(reader).isEmpty)
    // Room that was reserved ahead is given back.
    #expect(disk.usedBytes < Int(record.size) + 8192)
  }

  @Test("A full disk does not keep a file from being sealed")
  func sealingOnAFullDisk() throws {
    let (disk, directory) = try makeDisk()
    disk.setCapacity(bytes: 64 << 10)
    let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
    while (try? writer.append([UInt8](repeating: 9, count: 1000))) != nil {}
    while (try? writer.append([UInt8](repeating: 9, count: 1))) != nil {}
    let reader = ValueFileReader(try writer.seal(), in: ValueFixture.environment(directory))
    #expect(try ValueFixture.findings(reader).isEmpty)
  }

  @Test(
    "A failed write leaves a gap and nothing else",
    arguments: [Fault.Effect.error(.device), .partial(20, .device), .partial(500, .device)])
  func failedWrite(_ effect: Fault.Effect) throws {
    for occurrence in 1...4 {
      let (disk, directory) = try makeDisk(stores: false)
      let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
      disk.inject(Fault(.write, "values-", occurrence: occurrence, effect: effect))
      var random = SeededRandom(seed: 0x5eed_3202)
      var expected: [(ValuePointer, [UInt8])] = []
      var failures = 0
      for count in [1000, 30_000, 5, 700] {
        let value = random.bytes(count)
        do {
          expected.append((try writer.append(value, alignmentShift: 7), value))
        } catch {
          failures += 1
          #expect(error.code == .inputOutput)
        }
      }
      #expect(failures == 1)
      try writer.sync()
      let record = try writer.seal()
      #expect(record.valueCount == 3)
      let reader = ValueFileReader(record, in: ValueFixture.environment(directory, .mapped))
      for (pointer, value) in expected { #expect(try reader.bytes(for: pointer) == value) }
      #expect(try ValueFixture.findings(reader).isEmpty)
      var scanner = try reader.records()
      var gaps = 0
      while let item = try scanner.next() { if case .gap = item { gaps += 1 } }
      #expect(gaps == 1 && scanner.isWhole)
    }
  }

  @Test(
    "Where zeros to store into cannot be written, values are written as before",
    arguments: [FileSystemError.Reason.device, .full])
  func failedZeros(_ reason: FileSystemError.Reason) throws {
    let (disk, directory) = try makeDisk()
    let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
    let value = [UInt8](repeating: 3, count: 1_000)
    // The first range begins at 16 KiB, and the value that reaches into it is the sixteenth; the header of the
    // file was the first write.
    var pointers: [ValuePointer] = []
    for _ in 0..<15 { pointers.append(try writer.append(value)) }
    disk.inject(Fault(.write, "values-", effect: .partial(3_000, reason)))
    for _ in 0..<40 { pointers.append(try writer.append(value)) }
    #expect(disk.struck != nil)
    let reader = ValueFileReader(try writer.seal(), in: ValueFixture.environment(directory))
    for pointer in pointers { #expect(try reader.bytes(for: pointer) == value) }
    #expect(try ValueFixture.findings(reader).isEmpty)
    var scanner = try reader.records()
    while let item = try scanner.next() { if case .gap = item { Issue.record("a gap") } }
  }

  @Test("After a failed sync the writer refuses everything")
  func failedSync() throws {
    for operation in [FileSystemError.Operation.sync, .syncDirectory] {
      let (disk, directory) = try makeDisk()
      let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
      _ = try writer.append([1, 2, 3])
      disk.inject(Fault(operation))
      #expect(storeError { try writer.sync() }?.code == .poisoned)
      #expect(storeError { try writer.sync() }?.code == .poisoned)
      #expect(storeError { _ = try writer.append([1]) }?.code == .poisoned)
      #expect(storeError { _ = try writer.seal() }?.code == .poisoned)
    }
  }

  /// The system tells of a page that it lost to one caller and no other: whoever syncs at the same
  /// time may be the one whose value that was.
  @Test("A sync that fails fails for those beside it")
  func failedSyncOfAnother() throws {
    let (disk, directory) = try makeDisk()
    let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
    _ = try writer.append([1, 2, 3])
    let syncs = Monitor(0)
    let isFirstOver = Monitor(false)
    disk.inject(Fault(.sync, "values-"))
    disk.observeSteps { step in
      guard step.operation == .sync else { return }
      let number = syncs.withLock { count in
        count += 1
        return count
      }
      syncs.broadcast()
      // The first to call is the last to hear: the failure is told to the other.
      let deadline = SystemClock().monotonicNanoseconds() + 200_000_000
      if number == 1 { _ = isFirstOver.wait(until: deadline) { $0 } }
    }
    let codes = Monitor<[StoreError.Code?]>([])
    let other = try WorkerThread(name: "syncing") {
      let code = storeError { try writer.sync() }?.code
      codes.withLock { $0.append(code) }
    }
    _ = syncs.wait { $0 > 0 }
    let code = storeError { try writer.sync() }?.code
    isFirstOver.withLock { $0 = true }
    isFirstOver.broadcast()
    other.join()
    disk.observeSteps(nil)
    #expect(code == .poisoned)
    #expect(codes.withLock { $0 } == [.poisoned])
  }

  /// The end record may be there already, where the padding of a next value would be.
  @Test("A file whose sealing was begun takes no more values, and can be sealed later")
  func failedSealing() throws {
    for fault in [Fault(.truncate, "values-"), Fault(.write, "values-", occurrence: 2)] {
      let (disk, directory) = try makeDisk()
      let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
      let value = [UInt8](repeating: 3, count: 100)
      disk.inject(fault)
      let pointer = try writer.append(value)
      #expect(storeError { _ = try writer.seal() }?.code == .inputOutput)
      #expect(storeError { _ = try writer.append(value, alignmentShift: 12) }?.code == .closed)
      try writer.sync()
      let reader = ValueFileReader(try writer.seal(), in: ValueFixture.environment(directory))
      #expect(try reader.bytes(for: pointer) == value)
      #expect(try ValueFixture.findings(reader).isEmpty)
    }
  }

  @Test("A sync with nothing new asks nothing of the disk")
  func idleSync() throws {
    let (disk, directory) = try makeDisk()
    let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
    _ = try writer.append([1, 2, 3])
    try writer.sync()
    let steps = disk.steps
    try writer.sync()
    #expect(disk.steps == steps)
    _ = try writer.append([4])
    try writer.sync()
    #expect(disk.steps > steps + 1)
  }

  @Test("What was appended before a sync survives any power cut", arguments: CrashMode.allCases)
  func powerCut(_ mode: CrashMode) throws {
    let (disk, directory) = try makeDisk()
    let writer = try ValueFileWriter(number: 7, id: ValueFixture.id, in: directory)
    var random = SeededRandom(seed: 0x5eed_3203)
    var durable: [(ValuePointer, [UInt8])] = []
    var later: [(ValuePointer, [UInt8])] = []
    for index in 0..<12 {
      let value = random.bytes(random.below(9000))
      later.append((try writer.append(value, alignmentShift: 6), value))
      if index % 5 == 4 {
        try writer.sync()
        durable += later
        later = []
      }
    }
    for seed in 0..<20 as Range<UInt64> {
      let image = disk.crashImage(mode, seed: seed)
      let after = try image.openDirectory(at: "store", create: false)
      let reader = ValueFileReader(leftover: 7, in: ValueFixture.environment(after))
      for (pointer, value) in durable where (try? reader.bytes(for: pointer)) != value {
        Issue.record("a durable value is gone, seed \(seed)")
      }
      for (pointer, value) in later {
        // Unsynced: there or refused, never another value.
        if let found = try? reader.bytes(for: pointer), found != value {
          Issue.record("a wrong value, seed \(seed)")
        }
      }
    }
  }

  @Test("A sealed file survives any power cut whole", arguments: CrashMode.allCases)
  func powerCutAfterSealing(_ mode: CrashMode) throws {
    let (disk, directory) = try makeDisk()
    let (record, _) = try ValueFixture.write(
      [[UInt8](repeating: 4, count: 5000), [1, 2]], in: directory)
    for seed in 0..<10 as Range<UInt64> {
      let after = try disk.crashImage(mode, seed: seed).openDirectory(at: "store", create: false)
      let reader = ValueFileReader(record, in: ValueFixture.environment(after, .mapped))
      #expect(try ValueFixture.findings(reader).isEmpty, "seed \(seed)")
    }
  }
}
