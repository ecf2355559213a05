import Varve
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Small stores that the engine writes: whole ones, ones that a power cut left, and their parts.
enum StoreSeeds {
  static func add(to inputs: inout Inputs) throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      add(try smallStore(seed), as: "small-\(seed)", to: &inputs)
      let disk = SimulatedFileSystem(seed: seed)
      try CrashWorkload(varied: 10 + Int(seed) * 3, seed: seed)
        .run(on: disk, progress: Monitor(CrashWorkload.Progress()))
      add(disk, as: "closed-\(seed)", to: &inputs)
      let varied = try variedStore(seed)
      add(varied, as: "varied-\(seed)", to: &inputs)
      let mode: CrashMode = seed % 2 == 0 ? .pages : .tornGarbage
      add(varied.crashImage(mode, seed: seed), as: "crashed-\(seed)", to: &inputs)
    }
  }

  /// One segment, one value file and one log, with a few entries; two of four were closed.
  private static func smallStore(_ seed: UInt64) throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem(seed: seed)
    let store = try CrashWorkload.open(disk)
    let keyspace = try store.keyspace("default")
    var random = SeededRandom(seed: seed)
    for number in 0..<4 { try keyspace.put("key \(number)", random.text(20)) }
    try keyspace.delete("key 2")
    try keyspace.put("large", random.text(1_100), durability: .buffered)
    try store.flush()
    try keyspace.put("key 3", "again")
    try keyspace.put("large too", random.bytes(1_100), durability: .buffered)
    if seed % 2 == 0 { try store.close() }
    return disk
  }

  /// A store that was not closed, with something of every kind in it.
  private static func variedStore(_ seed: UInt64) throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem(seed: seed)
    let store = try CrashWorkload.open(disk)
    var random = SeededRandom(seed: seed)
    for (name, compression) in [
      ("raw", Compression.none), ("lz4", .lz4), ("zstd", .zstd(level: 3)),
    ] {
      var policy = KeyspacePolicy()
      policy.compression = compression
      policy.blockBytes = 4 << 10
      policy.largeValueBytes = 300
      if name == "raw" { policy.valueAlignment = 64 }
      let keyspace = try store.keyspace(name, policy)
      for round in 0..<2 {
        let snapshot = try store.snapshot()
        try fill(keyspace, round, &random)
        try store.flush()
        snapshot.close()
      }
    }
    try store.keyspace("default").put("last", "in the log", durability: .buffered)
    return disk
  }

  private static func fill(
    _ keyspace: Keyspace, _ round: Int, _ random: inout SeededRandom
  ) throws {
    for number in 0..<12 {
      let key = Array("key \(random.below(24))".utf8)
      switch number % 6 {
      case 0 where round > 0: try keyspace.delete(key)
      case 1: try keyspace.put(key, random.text(40), expiresIn: 1 + UInt64(number) * 1_000)
      case 2: try keyspace.put(key, random.text(400 + number * 10))
      default: try keyspace.put(key, random.text(number * 5))
      }
    }
  }

  /// Adds the store as a directory, and each of its files.
  private static func add(_ disk: SimulatedFileSystem, as name: String, to inputs: inout Inputs) {
    var members: [Archive.Member] = []
    for (path, bytes) in disk.contents().sorted(by: { $0.key < $1.key }) {
      guard let last = path.split(separator: "/").last, let file = FileName(parsing: String(last))
      else { continue }
      // What lies behind the records of a log is zeros mostly, and much of it.
      let zeros = file.kind == .log ? bytes.reversed().prefix { $0 == 0 }.count : 0
      let kept = Array(bytes.dropLast(max(0, zeros - 48)))
      members.append(Archive.Member(name: file.description, bytes: kept))
      inputs.add(file: kept, of: file.kind, as: "\(name)-\(file.number)")
      PartSeeds.add(partsOf: kept, file.kind, as: "\(name)-\(file.number)", to: &inputs)
    }
    inputs.add(Archive(members).bytes, to: "directory", as: name)
    let logs = members.filter { $0.name.hasPrefix("log") || $0.name.hasPrefix("manifest") }
    inputs.add(Archive(logs).bytes, to: "replay", as: name)
  }
}
