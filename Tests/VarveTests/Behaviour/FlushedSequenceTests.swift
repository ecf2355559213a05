import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A flush leaves out what nobody reads, perhaps the newest entry of all. The manifest must say all
/// the same how far the flushed logs went, or the next log looks as if one before it were missing.
@Suite struct FlushedSequenceTests {
  /// Of deletes in a row that are read the oldest stays, so the last write of all is left out.
  @Test(arguments: [CrashMode.durableOnly, .everything, .sectors])
  func aFlushThatLeavesOutTheNewestEntryIsFollowedByItsLog(mode: CrashMode) throws {
    let system = SimulatedFileSystem()
    let store = try CrashWorkload.open(system)
    let keyspace = try store.keyspace("k")
    try keyspace.delete("key")
    // Its reader needs a delete, and the first one serves for both.
    let snapshot = try store.snapshot()
    try keyspace.delete("key")
    try store.flush()
    withExtendedLifetime(snapshot) {}
    let manifest = store.engine.versions.current.manifest
    #expect(manifest.lastSequence.rawValue == store.metrics().lastSequence)
    try keyspace.put("after", "the flush")
    let again = try CrashWorkload.open(system.crashImage(mode, seed: 1))
    #expect(try again.existingKeyspace("k")?.text("after") == "the flush")
    #expect(try again.existingKeyspace("k")?.contains("key") == false)
    try again.close()
    try store.close()
    let reopened = try CrashWorkload.open(system)
    #expect(try reopened.existingKeyspace("k")?.text("after") == "the flush")
    try reopened.close()
  }
}
