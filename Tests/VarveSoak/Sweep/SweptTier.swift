import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A small store whose sealed files lie in its bucket, with everything that a bucket and the machine beside it keep.
///
/// ```
///   bucket    store, manifests, segments, value files, logs behind the newest manifest, and a pin on the first
///   machine   what it knows of the bucket, headers and tails of cold files, slots that were read, its own log
/// ```
struct SweptTier: Sendable {
  typealias Content = SweptStore.Content

  /// Keeps the version that was there first.
  static let checkpoint = "first"

  let machine: CrashMachine
  let opening: CrashMachine.Opening
  /// What was there after each act that the bucket confirmed, the newest last.
  let history: [Content]
  /// What a file on the machine, or in the bucket, is called, and its bytes.
  let files: [String: [UInt8]]
  /// The machine's own.
  let manifest: Manifest
  let objects: [ObjectName: [UInt8]]

  init(seed: UInt64) throws {
    let machine = CrashMachine(SimulatedFileSystem(seed: seed), bucket: SimulatedBucket())
    var opening = CrashMachine.Opening()
    // Another store has other identities, in all its files.
    opening.identity = seed &* 0x1_0000_0001
    self.opening = opening
    var random = SeededRandom(seed: seed)
    var content: Content = ["default": [:], "plain": [:]]
    var history: [Content] = []
    let store = try machine.open(opening)
    var policy = KeyspacePolicy()
    policy.compression = Compression.none
    _ = try store.keyspace("plain", policy)
    for round in 0..<2 {
      for name in content.keys.sorted() {
        let keyspace = try store.keyspace(name)
        for index in 0..<14 {
          let key = Array("key \(index * (round + 1))".utf8)
          let value = index == 3 ? random.text(1_300) : random.text(20)
          try keyspace.put(key, value, durability: .buffered)
          content[name]?[key] = value
        }
      }
      try store.upload()
      history.append(content)
      if round == 0 { try store.makeCheckpoint(Self.checkpoint) }
    }
    for index in 0..<3 {
      let key = Array("last \(index)".utf8)
      try store.keyspace("default").put(key, [1, 2, 3], durability: .remote)
      content["default"]?[key] = [1, 2, 3]
      history.append(content)
    }
    try store.evict()
    for name in content.keys { try store.keyspace(name).forEach { _, _ in } }
    try store.close()
    // As the end of the process leaves it: the bucket that a close or an opening changes is another one.
    self.machine = machine.killImage()
    self.history = history
    files = SweptStore.files(of: machine.disk)
    manifest = try SweptStore.newestManifest(in: files)
    var objects: [ObjectName: [UInt8]] = [:]
    for name in machine.bucket?.names ?? [] { objects[name] = machine.bucket?.bytes(of: name) }
    self.objects = objects
  }

  /// What was there at last.
  var newest: Content { history[history.count - 1] }

  /// The files on the machine that only a store with a bucket has.
  var tierFiles: [String] {
    files.keys.filter { $0 == FileName.bucket || $0 == FileName.slots || $0.hasSuffix(".tail") }
      .sorted()
  }
}
