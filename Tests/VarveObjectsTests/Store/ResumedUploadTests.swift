import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What a process had put into the bucket when it died is not put again by the next one.
@Suite struct ResumedUploadTests {
  /// A machine on which a process died after so many files were put; its store as it must be.
  private static func cutOff(after files: Int, noting bytes: UInt64) throws -> (
    TieredStore, Sample, disk: SimulatedFileSystem
  ) {
    let machine = TieredStore()
    var sample = Sample(seed: 4)
    let connection = machine.bucket.connect()
    var options = machine.connected(connection)
    options.bucket?.noteBytes = bytes
    let store = try machine.open(options)
    try sample.write(600, to: store)
    try store.flush()
    let count = Monitor(0)
    let image = Monitor<SimulatedFileSystem?>(nil)
    let disk = machine.disk
    connection.setBeforeEachCall { kind, name in
      guard kind == .put, name.hasPrefix("file/") else { return }
      count.withLock { count in
        count += 1
        if count == files + 1 { image.withLock { $0 = disk.killImage() } }
      }
    }
    try store.upload()
    try store.close()
    #expect(count.withLock { $0 } > files)
    return (machine, sample, try #require(image.withLock { $0 }))
  }

  private static func puts(_ calls: [ObjectCall]) -> [String] {
    calls.filter { $0.kind == .put && $0.name.hasPrefix("file/") }.map(\.name)
  }

  @Test(arguments: [UInt64(1), .max]) func theNextProcessGoesOnWhereOneDied(_ noted: UInt64) throws
  {
    let (machine, sample, disk) = try Self.cutOff(after: 1, noting: noted)
    // As if the process had died then: what it put later is not there.
    let put = Self.puts(machine.bucket.calls)
    for name in put.dropFirst(1) {
      machine.bucket.tamper(try #require(ObjectName(name)), with: nil)
    }
    let newest = machine.bucket.names.last { $0.description.hasPrefix("manifest/") }
    machine.bucket.tamper(try #require(newest), with: nil)
    machine.bucket.forgetCalls()
    let store = try machine.open(on: disk)
    try store.upload()
    try store.evict()
    let again = Self.puts(machine.bucket.calls)
    #expect(again.count == (noted == 1 ? put.count - 1 : put.count))
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  /// A note is no proof: what is not there, or not whole, is put again.
  @Test(arguments: [nil, [1, 2, 3]] as [[UInt8]?])
  func whatIsNotThereIsPutAgain(_ left: [UInt8]?) throws {
    let (machine, sample, disk) = try Self.cutOff(after: 1, noting: 1)
    let put = Self.puts(machine.bucket.calls)
    let newest = machine.bucket.names.last { $0.description.hasPrefix("manifest/") }
    machine.bucket.tamper(try #require(newest), with: nil)
    for name in put { machine.bucket.tamper(try #require(ObjectName(name)), with: left) }
    machine.bucket.forgetCalls()
    let store = try machine.open(on: disk)
    try store.upload()
    try store.evict()
    #expect(Self.puts(machine.bucket.calls).count == put.count)
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }
}
