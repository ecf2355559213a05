import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

/// What no version may be, whoever asks for it.
@Suite struct VersionRulesTests {
  @Test(arguments: FileSystemKind.allCases)
  func overlappingSegmentsNeverComeIntoOneLevel(on kind: FileSystemKind) throws {
    try kind.withStores { open in
      let store = try open()
      store.pauseCompaction()
      let keyspace = try store.keyspace("k")
      for round in 0..<2 {
        for key in ["a", "b", "c"] { try keyspace.put(key, "\(round)") }
        try store.flush()
      }
      let versions = store.engine.versions
      let before = versions.current.manifest
      var edit = VersionEdit()
      for segment in before.segments { edit.movedSegments[segment.number] = 6 }
      #expect(before.segments.count == 2)
      #expect(code { try versions.commit(edit) { _ in } } == .invalid)
      #expect(versions.current.manifest == before)
      try keyspace.put("d", "2")
      store.resumeCompaction()
      try store.close()
      let again = try open()
      let reopened = try #require(try again.existingKeyspace("k"))
      let values = try ["a", "b", "c", "d"].map { try reopened.text($0) }
      #expect(values == ["1", "1", "1", "2"])
      try again.close()
    }
  }
}
