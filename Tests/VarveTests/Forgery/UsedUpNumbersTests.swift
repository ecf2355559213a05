import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Counters at their end, which no store reaches by itself: what needs another number is refused, and
/// nothing that was written before is lost.
@Suite struct UsedUpNumbersTests {
  /// Writes entries of the system keyspace as nothing else does, and opens the store again.
  private static func reopened(
    _ tested: TestedStore, after write: (inout BatchEncoder) throws -> Void
  ) throws -> SegmentStore {
    let store = try tested.open()
    try store.put("key", [1])
    _ = try store.keyspace("other")
    var encoder = BatchEncoder()
    try write(&encoder)
    try store.engine.submit(CommitRequest(encoder, isSynced: true))
    try store.close()
    return try tested.open()
  }

  private static func put(
    _ key: [UInt8], _ value: [UInt8], into encoder: inout BatchEncoder
  ) throws {
    try key.withByteView { key in
      try value.withByteView { try encoder.put(key, in: SystemKeyspace.number, $0) }
    }
  }

  @Test func withoutAKeyspaceNumberLeftNoneIsMadeAndNoneIsUsedTwice() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try Self.reopened(tested) {
      try Self.put(SystemKeyspace.nextNumberKey, SystemKeyspace.encodeNextNumber(.max), into: &$0)
    }
    #expect(code { _ = try store.keyspace("new") } == .limit)
    try store.dropKeyspace("other")
    #expect(code { _ = try store.keyspace("new") } == .limit)
    try store.close()
    let again = try tested.open()
    #expect(code { _ = try again.keyspace("new") } == .limit)
    #expect(try again.content() == ["key": [1]])
  }

  @Test func aKeyspaceWithTheLargestNumberIsDamage() throws {
    let (tested, _) = try TestedStore.simulated()
    let failure = code {
      _ = try Self.reopened(tested) {
        let record = KeyspaceRecord(number: .max).encoded()
        try Self.put(SystemKeyspace.recordKey("last"), record, into: &$0)
      }
    }
    #expect(failure == .corrupted)
  }

  @Test func moreKeyspacesThanAStoreHoldsAreDamage() throws {
    let (tested, _) = try TestedStore.simulated()
    let failure = code {
      _ = try Self.reopened(tested) { encoder in
        // Beside the default one and the one that is there.
        for number in 0..<UInt32(Limits.keyspaces - 1) {
          let record = KeyspaceRecord(number: number + 10).encoded()
          try Self.put(SystemKeyspace.recordKey("forged \(number)"), record, into: &encoder)
        }
      }
    }
    #expect(failure == .corrupted)
  }

  /// A closed store with one entry in a segment, its manifest changed.
  private static func changed(
    _ tested: TestedStore, _ change: (inout Manifest) -> Void
  ) throws -> SegmentStore {
    let store = try tested.open()
    try store.put("key", [1])
    try store.flush()
    try store.close()
    try tested.changeManifest(change)
    return try tested.open()
  }

  @Test func withoutASequenceNumberLeftNothingIsWritten() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try Self.changed(tested) {
      $0.lastSequence = SequenceNumber(SequenceNumber.max.rawValue - 2)
    }
    try store.put("last", [2])
    for _ in 0..<2 { #expect(code { try store.put("more", [3]) } == .limit) }
    try store.close()
    let again = try tested.open()
    #expect(try again.content() == ["key": [1], "last": [2]])
    #expect(code { try again.put("more", [3]) } == .limit)
    try again.flush()
    #expect(try again.content() == ["key": [1], "last": [2]])
  }

  @Test func withoutAFileNumberLeftNothingIsWritten() throws {
    let (tested, _) = try TestedStore.simulated()
    let store = try Self.changed(tested) { $0.nextFileNumber = Limits.fileNumber }
    for _ in 0..<2 { #expect(code { try store.put("more", [3]) } == .limit) }
    #expect(try store.content() == ["key": [1]])
    try store.close()
    #expect(try tested.reopenedContent() == ["key": [1]])
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileThatSomebodyGaveAHugeNumberUsesUpNone(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let strange = [
        "segment-ffffffffffffffff", "log-0100000000000000", "values-fffffffffffffffe",
        "manifest-ffffffffffffffff",
      ]
      try tested.open().close()
      for name in strange { try tested.replace(name, [1, 2, 3]) }
      for round in UInt8(0)..<3 {
        let store = try tested.open()
        try store.put("key \(round)", [round])
        if round == 1 { try store.flush() }
        try store.close()
      }
      #expect(try tested.reopenedContent() == ["key 0": [0], "key 1": [1], "key 2": [2]])
      let names = Set(try tested.directory.names())
      #expect(names.isSuperset(of: strange))
    }
  }
}
