import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A small store with something in every kind of file, and what may be found in it.
struct SweptStore: Sendable {
  typealias Content = CrashWorkload.Content

  /// How its last writer ended.
  enum End: String, CaseIterable, Sendable {
    case closed
    case crashed
  }

  let end: End
  let disk: SimulatedFileSystem
  /// What was there after each of the last commits, the newest last.
  ///
  /// Of a store that was closed only that one counts. After a crash, damage cannot be told from what the
  /// crash tore where nothing behind it says that it was durable: see format-spec/log.md, "The window".
  let states: [Content]
  /// The same since the last log was begun: where that is cut short after a crash, what said that more was
  /// durable is cut off with it.
  let history: [Content]
  /// The files by their names in the store, the lock left out.
  let files: [String: [UInt8]]

  init(_ end: End, seed: UInt64) throws {
    self.end = end
    let system = SimulatedFileSystem(seed: seed)
    var random = SeededRandom(seed: seed)
    var content: Content = ["default": [:]]
    let store = try CrashWorkload.open(system)
    for (name, compression) in Self.compressions {
      var policy = KeyspacePolicy()
      policy.compression = compression
      policy.blockBytes = 4 << 10
      _ = try store.keyspace(name, policy)
      content[name] = [:]
    }
    var history: [Content] = []
    // Two generations in segments and value files, one of them compacted; the rest is in the log.
    for round in 0..<3 {
      for name in content.keys.sorted() {
        try Self.write(into: name, of: store, &content, round, &random) {
          if round == 2 { history.append($0) }
        }
      }
      if round < 2 { try store.flush() }
      if round == 0 { try store.compact() }
      if round < 2 { history = [content] }
    }
    var states = [content]
    for index in 0..<4 {
      let (key, value) = (Array("last \(index)".utf8), random.bytes(30))
      try store.keyspace("default").put(key, value, durability: index < 2 ? .synced : .buffered)
      content["default"]?[key] = value
      states.append(content)
    }
    history += states
    if end == .closed {
      try store.close()
      (states, history) = ([content], [content])
    }
    self.history = history
    self.states = states
    disk = system.crashImage(.everything)
    files = Dictionary(
      uniqueKeysWithValues: disk.contents().compactMap { path, bytes in
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name == "lock" ? nil : (name, bytes)
      })
  }

  private static let compressions: [(String, Compression)] = [
    ("fast", .lz4), ("plain", .none), ("small", .zstd(level: 3)),
  ]

  private static func write(
    into name: String, of store: SegmentStore, _ content: inout Content, _ round: Int,
    _ random: inout SeededRandom, note: (Content) -> Void
  ) throws {
    let keyspace = try store.keyspace(name)
    let count = round == 2 ? 6 : 40
    for index in 0..<count {
      let key = Array("key \(index * (round + 1))".utf8)
      if (index + round) % 9 == 0 {
        try keyspace.delete(key, durability: .buffered)
        content[name]?[key] = nil
      } else {
        let value = index % 16 == 1 ? random.text(1_300) : random.text(20 + random.below(40))
        try keyspace.put(key, value, durability: .buffered)
        content[name]?[key] = value
      }
      note(content)
    }
    try store.sync()
  }
}
