import Varve
import VarveSimulation
import VarveTestSupport

// The operations of the golden stores. None may change once its store is kept.

extension GoldenStore {
  /// A keyspace that no codec touches.
  private static func plain(
    _ name: String, in store: SegmentStore, _ change: (inout KeyspacePolicy) -> Void = { _ in }
  ) throws -> Keyspace {
    var policy = KeyspacePolicy()
    policy.compression = .none
    policy.blockBytes = 4 << 10
    change(&policy)
    return try store.keyspace(name, policy)
  }

  /// Every kind of log record and entry, keys and values at their limits.
  static func everyType(_ machine: inout GoldenMachine) throws {
    let store = try machine.open()
    let plain = try plain("plain", in: store)
    let brief = try Self.plain("brief", in: store) { $0.timeToLiveMilliseconds = 30_000 }
    try plain.put("", "the empty key")
    try plain.put("empty", "")
    try plain.put([UInt8](0...255), [UInt8](0...255))
    try plain.put([UInt8](repeating: 0x6b, count: 65_535), "the longest key", durability: .buffered)
    try plain.put("deleted", "gone")
    try plain.delete("deleted")
    try plain.delete("never there", durability: .buffered)
    try plain.put("expired", "gone", expiresIn: 9_999)
    try plain.put("expires", "still there", expiresIn: 10_001)
    try brief.put("by its keyspace", "still there")
    try plain.put("large, synced", machine.random.bytes(2_000))
    try plain.put("large, buffered", machine.random.bytes(3_000), durability: .buffered)
    var batch = WriteBatch()
    batch.put("a", "first", in: plain)
    batch.put("a", "last", in: plain)
    batch.delete("by its keyspace", in: brief)
    batch.put("b", machine.random.bytes(1_500), in: brief, expiresIn: 60_000)
    batch.put("c", "gone", in: plain, expiresIn: 1)
    try store.commit(batch)
    try store.sync()
    try store.close()
  }

  /// Level 0 and the last level, several versions of a key, deletes that hide something.
  static func levels(_ machine: inout GoldenMachine) throws {
    let store = try machine.open()
    let keyspace = try plain("plain", in: store)
    func write(_ round: Int, _ count: Int) throws {
      for index in 0..<count {
        let key = "key \(1_000 + index * (round + 1))"
        if (index + round) % 7 == 0 {
          try keyspace.delete(key, durability: .buffered)
        } else {
          let expiry: UInt64? = index % 11 == 0 ? UInt64(5_000 + 10_000 * (index % 2)) : nil
          let value = machine.random.text(20 + machine.random.below(60))
          try keyspace.put(key, value, durability: .buffered, expiresIn: expiry)
        }
      }
    }
    try write(0, 200)
    try store.flush()
    try store.compact()
    let snapshot = try store.snapshot()
    try write(1, 60)
    let later = try store.snapshot()
    try write(2, 60)
    try store.flush()
    try write(3, 30)
    try store.flush()
    later.close()
    snapshot.close()
    try write(4, 5)
    try store.close()
  }

  /// Values in files of their own: some replaced, some moved by a compaction, some aligned.
  static func valueFiles(_ machine: inout GoldenMachine) throws {
    let store = try machine.open()
    let plain = try plain("plain", in: store) { $0.largeValueBytes = 512 }
    let aligned = try Self.plain("vectors", in: store) {
      ($0.valueAlignment, $0.valueBytes) = (64, 1_536)
    }
    for round in 0..<3 {
      for index in 0..<12 where round == 0 || index % 3 != 0 {
        let value = machine.random.bytes(500 + machine.random.below(1_000))
        try plain.put("value \(index)", value, durability: .buffered)
      }
      for index in 0..<4 {
        try aligned.put("\(index)", machine.random.bytes(1_536), durability: .buffered)
      }
      try store.flush()
      if round == 1 { try store.compact() }
    }
    try plain.put("in the log's file", machine.random.bytes(5_000), durability: .buffered)
    try store.close()
  }

  /// Policies, names at their limits, keyspaces that were dropped and made again.
  static func severalKeyspaces(_ machine: inout GoldenMachine) throws {
    let store = try machine.open()
    var made: [Keyspace] = [try store.keyspace("default")]
    made.append(try plain("schlüssel 層", in: store) { $0.filterBitsPerKey = 0 })
    made.append(try plain(String(repeating: "n", count: 255), in: store) { $0.blockBytes = 65_536 })
    made.append(try plain("brief", in: store) { $0.timeToLiveMilliseconds = 86_400_000 })
    made.append(try plain("numbers", in: store) { $0.valueBytes = 8 })
    let policies: [(String, Compression)] = [
      ("fast", .lz4), ("small", .zstd(level: 19)), ("automatic", .automatic),
    ]
    for (name, compression) in policies {
      var policy = KeyspacePolicy()
      policy.compression = compression
      made.append(try store.keyspace(name, policy))
    }
    for name in ["dropped", "made again"] {
      let keyspace = try plain(name, in: store)
      try keyspace.put("key", "of its first life")
    }
    for round in 0..<2 {
      for keyspace in made {
        for index in 0..<6 { try keyspace.put("\(index)", machine.random.bytes(8)) }
      }
      if round == 0 { try store.flush() }
    }
    try store.dropKeyspace("dropped")
    try store.dropKeyspace("made again")
    try plain("made again", in: store).put("another key", "of its second life")
    try store.close()
  }

  /// Blocks and values behind each codec, and where the engine chooses.
  static func compressed(_ machine: inout GoldenMachine) throws {
    let store = try machine.open()
    let policies: [(String, Compression)] = [
      ("fast", .lz4), ("small", .zstd(level: 3)), ("automatic", .automatic),
    ]
    for (name, compression) in policies {
      var policy = KeyspacePolicy()
      policy.compression = compression
      let keyspace = try store.keyspace(name, policy)
      for index in 0..<150 {
        try keyspace.put("key \(index)", machine.random.text(100), durability: .buffered)
      }
      for index in 0..<4 {
        try keyspace.put("large \(index)", machine.random.text(3_000), durability: .buffered)
      }
    }
    try store.flush()
    try store.compact()
    try store.keyspace("small").put("in the log", machine.random.text(2_000))
    try store.flush()
    try store.close()
  }

  /// Segments, value files and a log that nobody closed; the last commits are in no sync.
  @discardableResult
  static func crashed(_ machine: inout GoldenMachine, _ mode: CrashMode) throws -> SegmentStore {
    let store = try machine.open()
    let keyspace = try plain("plain", in: store)
    func write(_ prefix: String, _ durability: Durability) throws {
      for index in 0..<8 {
        try keyspace.put("\(prefix) \(index)", machine.random.bytes(40), durability: durability)
      }
      try keyspace.put("\(prefix), large", machine.random.bytes(1_800), durability: durability)
    }
    try write("flushed", .buffered)
    try store.flush()
    try write("synced", .synced)
    try write("buffered", .buffered)
    try keyspace.delete("flushed 3", durability: .buffered)
    machine.crash(mode)
    return store
  }

  /// A log in its second life, with records of the first one behind its end.
  static func reusedLog(_ machine: inout GoldenMachine) throws {
    let store = try machine.open()
    let keyspace = try plain("plain", in: store)
    for round in 0..<6 {
      for index in 0..<40 {
        let value = machine.random.bytes(round == 5 ? 20 : 250)
        try keyspace.put("key \(index)", value, durability: .buffered)
      }
      if round < 5 { try store.flush() }
    }
    try store.sync()
    machine.crash(.everything)
    withExtendedLifetime(store) {}
  }
}
