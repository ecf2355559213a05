import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// What a store that must not be written to any more leaves alone.
@Suite struct PoisonBehaviourTests {
  /// A caller who tries again and again must not fill the disk with values that nobody will point to.
  @Test func aPoisonedStoreTakesNoMoreLargeValues() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let large = [UInt8](repeating: 5, count: 3_000)
    try store.put("large", large, .buffered)
    disk.inject(Fault(.sync, "log-"))
    #expect(try storeFailure { try store.put("lost", [1]) }?.code == .poisoned)
    let before = disk.counts.bytesWritten
    var batch = WriteBatch()
    batch.put("in a batch", large, in: try store.main())
    for _ in 0..<3 {
      #expect(try storeFailure { try store.put("later", large, .buffered) }?.code == .poisoned)
      #expect(
        try storeFailure { try store.commit(batch, durability: .buffered) }?.code == .poisoned)
    }
    #expect(disk.counts.bytesWritten == before)
    #expect(try store.main().value(for: "large") == large)
  }

  /// The background met the failure, and nobody wrote since: closing is the last chance to be told.
  @Test func closingTellsThatBufferedWritesMayBeLost() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("buffered", [1], .buffered)
    disk.inject(Fault(.sync, "log-"))
    #expect(throws: StoreError.self) { try store.engine.log.sync() }
    #expect(try storeFailure { try store.close() }?.code == .poisoned)
    try store.close()
    // The directory was let go.
    try tested.open().close()
  }
}
