import Testing
import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A sync of the directory fails behind a manifest: its name is seen until the power is cut, and never becomes
/// durable. Who opens the store then builds on it, and what it replaced goes.
@Suite struct LostNameTests {
  enum Way: CaseIterable { case make, flush, compact, close }

  @Test(arguments: Way.allCases)
  func whatIsAcknowledgedAfterAFailedManifestIsThere(way: Way) throws {
    var failures = 0
    for call in 1..<8 {
      for seed in 0..<4 as Range<UInt64> {
        let disk = SimulatedFileSystem(seed: seed)
        guard try Self.fails(way, call, disk) else { continue }
        failures += 1
        var again = try CrashWorkload.open(disk)
        let isKept = try again.keyspace("default").contains("kept")
        #expect(isKept || way == .make)
        try again.keyspace("default").put("after", "synced", durability: .synced)
        let image = disk.crashImage(.durableOnly)
        try again.close()
        again = try CrashWorkload.open(image)
        #expect(try again.keyspace("default").contains("kept") == isKept, "\(call), \(seed)")
        #expect(try again.keyspace("default").contains("after"), "\(call), \(seed)")
        try again.close()
      }
    }
    #expect(failures > 2)
  }

  @Test func aDirectoryWhoseEntryWasNotMadeDurableIsMadeAnew() throws {
    for seed in 0..<8 as Range<UInt64> {
      let disk = SimulatedFileSystem(seed: seed)
      disk.inject(Fault(.syncDirectory, "/"))
      #expect(throws: StoreError.self) { try CrashWorkload.open(disk) }
      let store = try CrashWorkload.open(disk)
      try store.keyspace("default").put("after", "synced", durability: .synced)
      let image = disk.crashImage(.durableOnly)
      try store.close()
      let again = try CrashWorkload.open(image)
      #expect(try again.keyspace("default").contains("after"))
      try again.close()
    }
  }

  /// Whether the sync that is to fail is one of this way's.
  private static func fails(
    _ way: Way, _ call: Int, _ disk: SimulatedFileSystem
  ) throws -> Bool {
    let fault = Fault(.syncDirectory, "store", occurrence: call)
    if way == .make { disk.inject(fault) }
    defer { disk.clearFaults() }
    do {
      let store = try CrashWorkload.open(disk)
      try store.keyspace("default").put("kept", [1], durability: .synced)
      if way != .make { disk.inject(fault) }
      defer { try? store.close() }
      switch way {
      case .make: break
      case .flush: try store.flush()
      case .compact: try store.compact()
      case .close: try store.close()
      }
      return false
    } catch is StoreError { return true }
  }
}
