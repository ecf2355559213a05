import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// More files than a process can map or keep open.
@Suite struct ManyFilesTests {
  /// Entries in segments, in a value file and in the log of a closed store.
  private static func fill(_ tested: TestedStore) throws -> TestedStore.Content {
    var entries = NumberedEntries()
    let store = try tested.open()
    for _ in 0..<4 {
      try entries.write(20, to: store)
      try store.put("large", [UInt8](repeating: 5, count: 9_000))
      try store.flush()
    }
    try entries.write(5, to: store)
    try store.close()
    var content = entries.content
    content["large"] = [UInt8](repeating: 5, count: 9_000)
    return content
  }

  @Test func filesThatCannotBeMappedAreRead() throws {
    for occurrence in [1, 2, 5] {
      let (tested, disk) = try TestedStore.simulated()
      let content = try Self.fill(tested)
      disk.inject(
        Fault(.map, occurrence: occurrence, effect: .error(.tooManyOpen), lasts: .forGood))
      let store = try tested.open()
      #expect(try store.content() == content)
      #expect(try store.main().value(for: "large") == content["large"])
      try store.compact()
      #expect(try store.content() == content)
      try store.close()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileBeyondTheDescriptorsIsOpenedForEachRead(on kind: FileSystemKind) throws {
    try kind.withDirectory { directory, _, _ in
      let file = try directory.create("file")
      try file.write([1, 2, 3, 4], at: 0)
      try file.close()
      for (most, isKept) in [(ReadFile.mostKept, true), (0, false)] {
        let reading = try ReadFile("file", in: directory, mostKept: most)
        #expect(reading.isKept == isKept)
        #expect(try reading.size() == 4)
        let buffer = AlignedBuffer(capacity: 8)
        for _ in 0..<3 {
          #expect(try reading.read(into: buffer, count: 8, at: 1) == 3)
          #expect(buffer.view(count: 3).array == [2, 3, 4])
        }
        #expect(throws: FileSystemError.self) { try reading.truncate(to: 0) }
        try reading.close()
      }
      let gone = try ReadFile("file", in: directory, mostKept: 0)
      try directory.remove("file")
      #expect(throws: FileSystemError.self) { try gone.size() }
    }
  }
}
