import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A store that a test opens, hurts and looks at from outside, file by file.
struct TestedStore {
  typealias Content = [String: [UInt8]]

  let fileSystem: any FileSystem
  let path: String
  let directory: any Directory
  let events = Monitor<[StoreEvent]>([])
  private let random: SimulatedRandom

  init(_ fileSystem: any FileSystem, _ path: String, seed: UInt64 = 1) throws {
    self.fileSystem = fileSystem
    self.path = path
    directory = try fileSystem.openDirectory(at: path, create: true)
    random = SimulatedRandom(seed: seed)
  }

  /// A store on a simulated disk.
  static func simulated(
    logsAreReusable: Bool = true
  ) throws -> (store: TestedStore, disk: SimulatedFileSystem) {
    let disk = SimulatedFileSystem(logsAreReusable: logsAreReusable)
    return (try TestedStore(disk, "store"), disk)
  }

  /// What `disk` could hold of a store after a power cut now.
  static func afterCrash(
    of disk: SimulatedFileSystem, _ mode: CrashMode, seed: UInt64 = 0
  ) throws -> TestedStore {
    try TestedStore(disk.crashImage(mode, seed: seed), "store", seed: seed &+ 1000)
  }

  /// Opens it with small tables; without background work unless asked for.
  func open(
    _ background: StoreComponents.Background = .none,
    _ change: (inout StoreOptions) -> Void = { _ in }
  ) throws -> SegmentStore {
    var options = StoreOptions.small
    options.onEvent = { [events] event in events.withLock { $0.append(event) } }
    change(&options)
    return try SegmentStore.open(
      at: path, options: options,
      components: StoreComponents(
        fileSystem: fileSystem, clock: SimulatedClock(), random: random, background: background))
  }

  /// What the last opening said about recovery.
  var lastOpening: (entries: Int, tornBytes: UInt64)? {
    events.withLock { events in
      for case .opened(let entries, let torn) in events.reversed() { return (entries, torn) }
      return nil
    }
  }

  /// Opens the store, reads all of the default keyspace and closes it again.
  func reopenedContent() throws -> Content {
    let store = try open()
    let content = try store.content()
    try store.close()
    return content
  }
}

extension FileSystemKind {
  func withTestedStore<Result>(_ body: (TestedStore) throws -> Result) throws -> Result {
    try withDirectory { _, fileSystem, path in try body(TestedStore(fileSystem, path)) }
  }
}

// MARK: - Files

extension TestedStore {
  /// Every file with its bytes, the lock left out.
  func files() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try directory.names() where name != FileName.lock {
      files[name] = try readAll(name, in: directory)
    }
    return files
  }

  /// The names of the files of a kind, by ascending number.
  func names(_ kind: FileName.Kind) throws -> [String] {
    try directory.names().filter { FileName(parsing: $0)?.kind == kind }.sorted()
  }

  func bytes(_ name: String) throws -> [UInt8] { try readAll(name, in: directory) }

  /// Puts a file with these bytes there, in place of one of that name.
  func replace(_ name: String, _ bytes: [UInt8]) throws {
    if try directory.status(of: name) != nil { try directory.remove(name) }
    let file = try directory.create(name)
    try file.write(bytes, at: 0)
    try file.sync()
    try file.close()
    try directory.sync()
  }

  /// Puts another manifest in the place of the newest, its checksums right.
  func changeManifest(_ change: (inout Manifest) throws -> Void) throws {
    let name = try #require(try names(.manifest).last)
    var manifest = try bytes(name).withByteView { try Manifest(decoding: $0) }
    try change(&manifest)
    try replace(name, manifest.encoded())
  }

  func flip(_ name: String, at offset: Int, mask: UInt8 = 1) throws {
    var bytes = try bytes(name)
    bytes[offset] ^= mask
    try replace(name, bytes)
  }

  /// Everything that the verifier finds.
  func findings(_ depth: IntegrityDepth = .deep) throws -> [IntegrityFinding] {
    var found: [IntegrityFinding] = []
    try StoreVerifier(at: path, on: fileSystem).run(depth) { found.append($0) }
    return found
  }
}

// MARK: - Content

extension SegmentStore {
  /// The default keyspace.
  func main() throws -> Keyspace { try keyspace("default") }

  func put(_ key: String, _ value: [UInt8], _ durability: Durability = .synced) throws {
    try main().put(key, value, durability: durability)
  }

  func content() throws -> TestedStore.Content {
    var content: TestedStore.Content = [:]
    try main().forEach { content[String(copying: $0)] = [UInt8](copying: $1) }
    return content
  }
}

/// Numbered entries written one by one, so that what a recovery keeps must be a beginning of them.
struct NumberedEntries {
  private(set) var count: Int

  init(count: Int = 0) { self.count = count }

  static func key(_ index: Int) -> String { "key-" + String(100_000 + index).dropFirst() }

  static func value(_ index: Int) -> [UInt8] {
    var random = SeededRandom(seed: UInt64(index))
    return random.bytes(300)
  }

  mutating func write(
    _ added: Int, to store: SegmentStore, _ durability: Durability = .synced
  ) throws {
    for _ in 0..<added {
      try store.put(Self.key(count), Self.value(count), durability)
      count += 1
    }
  }

  /// Writes until there are so many logs, and a little into the last.
  mutating func fillLogs(
    _ logs: Int, of tested: TestedStore, _ store: SegmentStore, _ durability: Durability = .synced
  ) throws {
    while try tested.names(.log).count < logs { try write(1, to: store, durability) }
    try write(5, to: store, durability)
  }

  var content: TestedStore.Content { Self.content(count) }

  static func content(_ count: Int) -> TestedStore.Content {
    var content: TestedStore.Content = [:]
    for index in 0..<count { content[key(index)] = value(index) }
    return content
  }

  /// How many entries from the first on make up `content`; nil where it is anything else.
  func prefix(_ content: TestedStore.Content) -> Int? {
    content.count <= count && Self.content(content.count) == content ? content.count : nil
  }
}
