import Testing
import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A sync of the directory fails while a store is made from its bucket: the names that came are seen, and are not
/// durable, nor will they ever be.
@Suite struct RestoreFaultTests {
  @Test func whatARestoreLeftIsDurableOnceItWasOpened() throws {
    let machine = TieredStore()
    var sample = Sample(seed: 3)
    let store = try machine.open()
    try sample.write(40, to: store)
    try store.upload()
    try store.keyspace("sample").put("last", "in a log", durability: .remote)
    sample.expected["last"] = Array("in a log".utf8)
    try store.close()
    var failures = 0
    for call in 1..<8 {
      for seed in 0..<4 as Range<UInt64> {
        let disk = SimulatedFileSystem(seed: seed)
        disk.inject(Fault(.syncDirectory, "store", occurrence: call))
        guard (try? machine.openElsewhere(on: disk).close()) == nil else { continue }
        failures += 1
        disk.clearFaults()
        var again = try Self.restoredOrOpened(machine, disk)
        try again.keyspace("sample").put("after", "synced")
        let image = disk.crashImage(.durableOnly)
        try again.close()
        var wanted = sample
        wanted.expected["after"] = Array("synced".utf8)
        again = try machine.open(machine.connected(), on: image)
        #expect(try wanted.difference(from: again) == nil)
        try again.close()
      }
    }
    #expect(failures > 8)
  }

  private static func restoredOrOpened(
    _ machine: TieredStore, _ disk: SimulatedFileSystem
  ) throws -> SegmentStore {
    do { return try machine.openElsewhere(on: disk) } catch let error as StoreError {
      guard error.code == .exists else { throw error }
      return try machine.open(machine.connected(), on: disk)
    }
  }
}
