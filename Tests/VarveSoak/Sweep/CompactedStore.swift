import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A small store whose next compaction merges several segments and moves values between files.
struct CompactedStore: Sendable {
  typealias Content = CrashWorkload.Content

  let disk: SimulatedFileSystem
  let content: Content
  /// The segments and value files by name: what the compaction reads.
  let inputs: [String: [UInt8]]
  /// How many calls the compaction makes that change the disk: moments at which its input may rot.
  let steps: Int

  init(seed: UInt64) throws {
    let system = SimulatedFileSystem(seed: seed)
    let store = try CrashWorkload.open(system, identity: seed)
    var random = SeededRandom(seed: seed)
    var content: Content = ["default": [:], "plain": [:], "fast": [:]]
    for (name, compression) in [("plain", Compression.none), ("fast", .lz4)] {
      var policy = KeyspacePolicy()
      policy.compression = compression
      policy.blockBytes = 4 << 10
      _ = try store.keyspace(name, policy)
    }
    for round in 0..<3 {
      for name in content.keys.sorted() {
        try Self.write(into: try store.keyspace(name), &content[name, default: [:]], round, &random)
      }
      try store.flush()
      // What lies in the last level is merged with what comes after it.
      if round == 0 { try store.compact() }
    }
    try store.close()
    disk = system.crashImage(.everything)
    self.content = content
    inputs = SweptStore.files(of: disk).filter {
      $0.key.hasPrefix("segment-") || $0.key.hasPrefix("values-")
    }
    let image = disk.crashImage(.everything)
    let opened = try CrashWorkload.open(image)
    let before = image.steps
    try opened.compact()
    steps = image.steps - before
    try opened.close()
  }

  /// Later rounds replace half of the large values, so that their files are worth emptying.
  private static func write(
    into keyspace: Keyspace, _ content: inout [[UInt8]: [UInt8]], _ round: Int,
    _ random: inout SeededRandom
  ) throws {
    for index in 0..<24 {
      let key = Array("key \(100 + index * (round == 1 ? 2 : 1))".utf8)
      let isLarge = index % 6 == 1
      if (index + round) % 9 == 0 {
        try keyspace.delete(key, durability: .buffered)
        content[key] = nil
      } else if !isLarge || round == 0 || index % 12 == 1 {
        let value = random.text(isLarge ? 1_100 : 20 + random.below(60))
        try keyspace.put(key, value, durability: .buffered)
        content[key] = value
      }
    }
  }
}
