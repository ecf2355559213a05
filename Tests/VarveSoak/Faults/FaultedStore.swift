import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// The store that operations fail on: something of everything, small enough to be made again each time.
///
/// ```
///   segments (one compacted) and value files | log          | log, buffered
///   every compression, vectors, expiries     | a few more   | killed only
/// ```
struct FaultedStore: Sendable {
  typealias Content = CrashWorkload.Content
  /// Opens what is on a machine after a failure.
  typealias Reopening = @Sendable (CrashMachine, CrashMachine.Opening) throws -> SegmentStore

  var machine: CrashMachine
  /// What a reader finds.
  var content: Content
  /// What a power cut may leave of it.
  var durable: [Content]
  var opening: CrashMachine.Opening = {
    var opening = CrashMachine.Opening()
    opening.options.valueFileBytes = 40 << 10
    return opening
  }()
  var reopen: Reopening = { try $0.open($1) }
  /// Whether it may be opened without its bucket, and go on so.
  var mayBeApart = false
  /// What the bucket leads to by itself.
  var elsewhere = FaultJudge.Elsewhere()
  /// What the newest version there holds, without the logs behind it.
  var version: Content = [:]
  /// A version there that no checkpoint keeps, and what it holds.
  var earlier: (number: UInt64, content: Content)?

  init(_ machine: CrashMachine, _ content: Content, durable: [Content]? = nil) {
    self.machine = machine
    self.content = content
    self.durable = durable ?? [content]
  }

  static let dimension = 8
  static let largeDimension = 300

  /// Keyspaces of small blocks, by name and codec, and those of vectors, whose values stand in segments and in value
  /// files.
  static func policies(of codecs: [(String, Compression)]) -> [(String, KeyspacePolicy)] {
    let plain = codecs.map { name, compression in
      var policy = KeyspacePolicy()
      policy.compression = compression
      policy.blockBytes = 4 << 10
      return (name, policy)
    }
    return plain + [
      ("vectors", .vectors(of: Float.self, dimension: dimension)),
      ("vectors, large", .vectors(of: Float.self, dimension: largeDimension)),
    ]
  }

  /// No store at all.
  static func empty() -> FaultedStore {
    let content: Content = ["default": [:]]
    return FaultedStore(CrashMachine(SimulatedFileSystem()), content)
  }

  /// One that was closed.
  static func closed(seed: UInt64) throws -> FaultedStore {
    var making = try Making(seed: seed)
    try making.fill()
    try making.store.close()
    return FaultedStore(CrashMachine(making.machine), making.content)
  }

  /// One whose process was killed while the last writes were only in the system's cache.
  static func killed(seed: UInt64) throws -> FaultedStore {
    var making = try Making(seed: seed)
    try making.fill()
    var durable = [making.content]
    for index in 0..<3 {
      let size = index == 1 ? 2_000 : 30
      try making.put(Array("last \(index)".utf8), bytes: size, into: "default", .buffered)
      durable.append(making.content)
    }
    return FaultedStore(
      CrashMachine(making.machine.killImage()), making.content, durable: durable)
  }
}

extension FaultedStore {
  /// The store while it is made.
  private struct Making {
    let machine: SimulatedFileSystem
    let store: SegmentStore
    var content: Content = ["default": [:]]
    private var random: SeededRandom

    init(seed: UInt64) throws {
      machine = SimulatedFileSystem(seed: seed)
      random = SeededRandom(seed: seed)
      store = try CrashWorkload.open(machine)
    }

    mutating func fill() throws {
      for (name, policy) in Self.policies {
        _ = try store.keyspace(name, policy)
        content[name] = [:]
      }
      for round in 0..<3 {
        for name in content.keys.sorted() { try write(into: name, round) }
        if round < 2 { try store.flush() }
        if round == 0 { try store.compact() }
      }
    }

    private static var policies: [(String, KeyspacePolicy)] {
      let compressions: [(String, Compression)] = [
        ("fast", .lz4), ("plain", .none), ("small", .zstd(level: 3)),
      ]
      return FaultedStore.policies(of: compressions)
    }

    private mutating func write(into name: String, _ round: Int) throws {
      for index in 0..<(round == 2 ? 4 : 16) {
        let key = Array("key \(index * (round + 1))".utf8)
        if (index + round) % 7 == 0 {
          try store.keyspace(name).delete(key, durability: .buffered)
          content[name]?[key] = nil
        } else {
          try put(key, bytes: index % 8 == 1 ? 1_300 : 200, into: name, .buffered)
        }
      }
      try store.sync()
    }

    mutating func put(
      _ key: [UInt8], bytes: Int, into name: String, _ durability: Durability
    ) throws {
      let keyspace = try store.keyspace(name)
      let value = random.text(keyspace.policy.valueBytes ?? bytes)
      // An expiry that never comes: the simulated clock stands still.
      let expiry: UInt64? = key.count % 2 == 0 ? 3_600_000 : nil
      try keyspace.put(key, value, durability: durability, expiresIn: expiry)
      content[name]?[key] = value
    }
  }
}
