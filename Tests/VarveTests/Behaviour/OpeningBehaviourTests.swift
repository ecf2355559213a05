import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Opening a store that was closed: nothing grows, nothing is made up, and what is not as the
/// manifest says is named. Numbers are those of the list in README.md.
@Suite struct OpeningBehaviourTests {
  /// A closed store with entries in a segment, in a value file and in the log.
  private static func fill(_ tested: TestedStore) throws -> TestedStore.Content {
    var entries = NumberedEntries()
    let store = try tested.open()
    try entries.write(40, to: store)
    try store.put("large", SeededBytes.large, .buffered)
    try store.flush()
    try entries.write(10, to: store)
    try store.close()
    var content = entries.content
    content["large"] = SeededBytes.large
    return content
  }

  private enum SeededBytes {
    static let large: [UInt8] = {
      var random = SeededRandom(seed: 77)
      return random.bytes(5_000)
    }()
  }

  // 33, 34, 36
  @Test(arguments: FileSystemKind.allCases)
  func reopeningWithoutWritesChangesNotAByte(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let content = try Self.fill(tested)
      let before = try tested.files()
      for _ in 0..<3 {
        #expect(try tested.reopenedContent() == content)
        #expect(try tested.files() == before)
      }
    }
  }

  // 36
  @Test(arguments: FileSystemKind.allCases)
  func aKeptLogIsNeverAppendedToAndLaterOnesHaveHigherNumbers(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      var kept: [String: [UInt8]] = [:]
      for round in 1...4 {
        let store = try tested.open()
        try store.put("round \(round)", [UInt8(round)])
        try store.close()
        let logs = try tested.names(.log)
        #expect(logs.count == round)
        for (name, bytes) in kept {
          let isUnchanged = try tested.bytes(name) == bytes
          #expect(isUnchanged)
        }
        kept[logs[round - 1]] = try tested.bytes(logs[round - 1])
      }
      #expect(try tested.reopenedContent().count == 4)
    }
  }

  // 39
  @Test(arguments: FileSystemKind.allCases)
  func aMissingManifestIsAnErrorAndNotAnEmptyStore(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      _ = try Self.fill(tested)
      for name in try tested.names(.manifest) { try tested.directory.remove(name) }
      let before = try tested.files()
      let error = try storeFailure { _ = try tested.open() }
      #expect(error?.code == .corrupted)
      #expect(error?.structure == "manifest")
      #expect(try tested.files() == before)
    }
  }

  // 35, 40
  @Test(arguments: FileSystemKind.allCases)
  func aFileThatTheManifestNamesMustBeThereWithItsSize(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let content = try Self.fill(tested)
      for kind in [FileName.Kind.segment, .values, .log] {
        let name = try #require(try tested.names(kind).last)
        let whole = try tested.bytes(name)
        for bytes in [nil, whole + [0], Array(whole.dropLast()), []] {
          try tested.replace(name, whole)
          try tested.directory.remove(name)
          if let bytes { try tested.replace(name, bytes) }
          let error = try storeFailure { _ = try tested.open() }
          #expect(error?.code == .corrupted, "\(name) of \(bytes?.count ?? -1) bytes")
          #expect(error?.file == name)
          #expect(error?.offset != nil)
          for depth in [IntegrityDepth.fast, .deep] {
            let found = try tested.findings(depth).filter { $0.severity == .damage }
            #expect(found.contains { $0.file == name && $0.offset != nil }, "\(found)")
          }
        }
        try tested.replace(name, whole)
      }
      #expect(try tested.reopenedContent() == content)
    }
  }

  // One listing and one look at each file: nothing of it is opened before it is read, and no log is
  // made before there is a write.
  @Test func openingLooksAtEachFileAndOpensNone() throws {
    var calls: [Int: [FileSystemError.Operation: Int]] = [:]
    for count in [5, 25] {
      let (tested, disk) = try TestedStore.simulated()
      let store = try tested.open()
      try store.put("first", [0])
      try store.flush()
      for number in 0..<count {
        try store.put("segment \(number)", [1], .buffered)
        try store.put("value \(number)", SeededBytes.large, .buffered)
        try store.flush()
      }
      try store.close()
      let before = disk.counts.calls
      let opened = try tested.open()
      calls[count] = disk.counts.calls.merging(before) { $0 - $1 }.filter { $0.value != 0 }
      try opened.close()
    }
    let (few, many) = (try #require(calls[5]), try #require(calls[25]))
    #expect(few[.list] == 1)
    #expect(few[.create] == nil && few[.write] == nil && few[.sync] == nil, "\(few)")
    var expected = few
    expected[.status, default: 0] += 2 * 20
    #expect(many == expected, "\(few), \(many)")
  }

  // 35
  @Test func aLogThatNothingSpeaksOfTakesOnlyItsOwnEntriesWithIt() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("flushed", [1])
    try store.flush()
    try store.put("logged", [2])
    let image = try TestedStore.afterCrash(of: disk, .everything)
    // Only the log itself knew of its entries: after a crash no manifest names it.
    for name in try image.names(.log) { try image.directory.remove(name) }
    #expect(try image.reopenedContent() == ["flushed": [1]])
  }

  // 41
  @Test(arguments: FileSystemKind.allCases)
  func strangeFilesAreLeftAlone(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let content = try Self.fill(tested)
      let strange = [
        ".DS_Store", "._segment-0000000000000001", "notes.txt", "log-1", "segment-",
        "values-00000000000000zz", "MANIFEST-0000000000000001", "lock.old", "other.new",
      ]
      for name in strange { try tested.replace(name, [1, 2, 3]) }
      let store = try tested.open()
      try store.put("one more", [1])
      try store.compact()
      try store.close()
      for name in strange { #expect(try tested.bytes(name) == [1, 2, 3], "\(name)") }
      #expect(try tested.reopenedContent().count == content.count + 1)
    }
  }

  // 56
  @Test(arguments: FileSystemKind.allCases)
  func aStoreIsMadeOnlyWhereThatWasAskedFor(on kind: FileSystemKind) throws {
    try kind.withDirectory { _, fileSystem, path in
      let tested = try TestedStore(fileSystem, path)
      for access in [StoreOptions.Access.readWrite, .readOnly] {
        for create in [true, false] where access == .readOnly || !create {
          let error = try storeFailure {
            _ = try tested.open {
              $0.access = access
              $0.createIfMissing = create
            }
          }
          #expect(error?.code == .notFound)
          #expect(error?.file == path)
          #expect(try tested.files().isEmpty)
        }
      }
      try tested.open().close()
      try tested.open { $0.createIfMissing = false }.close()
      try tested.open { $0.access = .readOnly }.close()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aMissingStoreIsExplainedToAPersonAndNotAsACall(on kind: FileSystemKind) throws {
    try kind.withDirectory { _, fileSystem, path in
      let missing = try TestedStore(fileSystem, path)
      for (deeper, options) in [("/absent", false), ("/absent/below", true)] {
        let error = try storeFailure {
          var wanted = StoreOptions.small
          wanted.createIfMissing = options
          _ = try SegmentStore.open(
            at: missing.path + deeper, options: wanted,
            components: StoreComponents(
              fileSystem: fileSystem, clock: SimulatedClock(), random: SimulatedRandom(seed: 1),
              background: .none))
        }
        #expect(error?.code == .notFound)
        #expect(error?.file == path + deeper)
        #expect(error?.message.contains("system error") == false, "\(String(describing: error))")
        #expect(error?.message.contains("director") == true, "\(String(describing: error))")
      }
    }
  }

  // 58
  @Test func anyDamagedByteOfTheManifestIsRefusedByName() throws {
    let (tested, _) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    let name = try #require(try tested.names(.manifest).last)
    let whole = try tested.bytes(name)
    for offset in whole.indices {
      var bytes = whole
      bytes[offset] ^= 1 << UInt8(offset % 8)
      try tested.replace(name, bytes)
      let error = try storeFailure { _ = try tested.open() }
      let isNamed = [.corrupted, .incompatible].contains(error?.code) && error?.file == name
      if !isNamed { Issue.record("byte \(offset): \(String(describing: error))") }
    }
    // 34: nor is one taken that somebody made longer.
    try tested.replace(name, whole + [UInt8](repeating: 0, count: 3 << 20))
    #expect(try storeFailure { _ = try tested.open() }?.code == .corrupted)
    try tested.replace(name, whole)
    #expect(try tested.reopenedContent() == content)
  }

  // 57
  @Test func aRemovedLockFileChangesNothingOfTheStore() throws {
    let (tested, _) = try TestedStore.simulated()
    let content = try Self.fill(tested)
    func identity() throws -> FileID {
      let store = try tested.open()
      defer { try? store.close() }
      return store.engine.versions.current.manifest.storeID
    }
    let before = try identity()
    try tested.directory.remove(FileName.lock)
    #expect(try identity() == before)
    #expect(try tested.reopenedContent() == content)
  }
}
