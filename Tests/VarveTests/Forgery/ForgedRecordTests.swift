import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Manifests that say something else of a segment than it holds.
@Suite struct ForgedRecordTests {
  /// A closed store with two segments of the same keys, its manifest changed.
  private static func forged(
    _ change: (inout Manifest) -> Void
  ) throws -> (store: SegmentStore, before: Set<String>) {
    let (tested, _) = try TestedStore.simulated()
    let store = try tested.open(.inline)
    for round in 0..<2 as Range<UInt8> {
      for key in 0..<20 { try store.put("key \(key)", [round]) }
      try store.flush()
    }
    try store.close()
    try tested.changeManifest(change)
    return (try tested.open(.inline), Set(try tested.names(.segment)))
  }

  private static func compacting(_ store: SegmentStore) throws {
    let failure = try storeFailure { try store.compact() }
    #expect(failure?.code == .corrupted, "\(String(describing: failure))")
    #expect(failure?.file?.hasPrefix("segment-") ?? false && failure?.offset != nil)
    #expect(failure?.message.contains("the manifest disagrees") ?? false)
  }

  /// A version with them would be refused, and with it whatever is committed beside it.
  @Test func entriesThatAreNewerThanTheManifestSaysStopACompaction() throws {
    let (store, before) = try Self.forged { manifest in
      for index in manifest.segments.indices {
        manifest.segments[index].smallestSequence = SequenceNumber(1)
        manifest.segments[index].largestSequence = SequenceNumber(5)
      }
      manifest.lastSequence = SequenceNumber(5)
    }
    try Self.compacting(store)
    #expect(
      Set(
        store.engine.versions.current.manifest.segments.map { "\(FileName(.segment, $0.number))" })
        == before)
    try store.put("goes on", [3])
    try store.flush()
    try store.close()
  }

  @Test func keysThatTheManifestDoesNotNameStopACompaction() throws {
    let (store, _) = try Self.forged { manifest in
      for index in manifest.segments.indices {
        manifest.segments[index].largestKey = manifest.segments[index].smallestKey
      }
    }
    try Self.compacting(store)
    try store.close()
  }
}
