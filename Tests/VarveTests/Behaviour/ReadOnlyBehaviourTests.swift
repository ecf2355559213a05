import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A reader writes not a byte, makes nothing and removes nothing. (50)
@Suite struct ReadOnlyBehaviourTests {
  private static let large: [UInt8] = {
    var random = SeededRandom(seed: 5)
    return random.bytes(3_000)
  }()

  /// Entries in a segment, in the log, and values behind pointers of both.
  private static func fill(_ store: SegmentStore) throws -> TestedStore.Content {
    var entries = NumberedEntries()
    try entries.write(30, to: store)
    try store.put("large, flushed", large, .buffered)
    try store.flush()
    try entries.write(10, to: store)
    try store.put("large, logged", large, .buffered)
    try store.put("large, inline", large)
    try store.sync()
    var content = entries.content
    for key in ["large, flushed", "large, logged", "large, inline"] { content[key] = large }
    return content
  }

  /// Opens for reading, reads in every way, and closes.
  private static func readAll(of tested: TestedStore, _ content: TestedStore.Content) throws {
    for mode in [StoreOptions.ReadMode.mapped, .buffered] {
      let store = try tested.open(.inline) {
        $0.access = .readOnly
        $0.readMode = mode
      }
      #expect(try store.content() == content)
      let snapshot = try store.snapshot()
      for (key, value) in content { #expect(try store.main().value(for: key) == value) }
      withExtendedLifetime(snapshot) {}
      for act in [
        { try store.put("new", [1]) }, { try store.flush() }, { try store.compact() },
        { try store.sync() }, { _ = try store.keyspace("new") },
        { try store.dropKeyspace("default") },
      ] {
        #expect(try storeFailure(act)?.code == .readOnly)
      }
      try store.close()
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func readingAClosedStoreChangesNothingInItsDirectory(on kind: FileSystemKind) throws {
    try kind.withTestedStore { tested in
      let store = try tested.open()
      let content = try Self.fill(store)
      try store.close()
      // What a writer would clear away stays, too.
      try tested.replace("segment-00000000000000ff", [1])
      try tested.replace("manifest-00000000000000ff.new", [1])
      let before = try tested.files()
      let steps = (tested.fileSystem as? SimulatedFileSystem)?.steps
      try Self.readAll(of: tested, content)
      #expect((tested.fileSystem as? SimulatedFileSystem)?.steps == steps)
      #expect(try tested.files() == before)
      let names = try tested.directory.names().sorted()
      #expect(names == (Array(before.keys) + [FileName.lock]).sorted())
    }
  }

  @Test func readingWhatACrashLeftReplaysItAndChangesNothing() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let content = try Self.fill(store)
    for mode in [CrashMode.durableOnly, .everything, .pages] {
      let image = disk.crashImage(mode, seed: 3)
      let crashed = try TestedStore(image, "store")
      let before = try crashed.files()
      let steps = image.steps
      try Self.readAll(of: crashed, content)
      #expect(image.steps == steps, "\(mode)")
      #expect(try crashed.files() == before, "\(mode)")
      #expect(image.leaks.isEmpty, "\(mode): \(image.leaks)")
      // Writing afterwards finds the same, and its numbers go on above.
      let writer = try crashed.open()
      #expect(try writer.content() == content, "\(mode)")
      try writer.put("large, logged", [1])
      #expect(try writer.main().value(for: "large, logged") == [1])
      try writer.close()
    }
  }

  @Test func aCopyWithoutALockFileCanBeRead() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    let content = try Self.fill(store)
    try store.close()
    try tested.directory.remove(FileName.lock)
    let steps = disk.steps
    try Self.readAll(of: tested, content)
    #expect(disk.steps == steps)
    #expect(try tested.directory.status(of: FileName.lock) == nil)
  }

  /// A later version may keep something in a store that this one would not keep right.
  @Test func aStoreOfALaterVersionThatMayBeReadIsNotWrittenTo() throws {
    let (tested, disk) = try TestedStore.simulated()
    var store = try tested.open()
    let content = try Self.fill(store)
    try store.close()
    let name = try #require(try tested.names(.manifest).last)
    var manifest = try tested.bytes(name).withByteView { try Manifest(decoding: $0) }
    manifest.readCompatibleFlags = 4
    try disk.place(manifest.encoded(), at: "store/\(name)")
    let before = try tested.files()
    let failure = try #require(try storeFailure { _ = try tested.open() })
    #expect(failure.code == .incompatible)
    #expect(failure.file == name && failure.offset == 16)
    store = try tested.open { $0.access = .readOnly }
    #expect(try store.content() == content)
    try store.close()
    #expect(try tested.files() == before)
  }
}
