import Varve
import VarveSimulation
import VarveTestSupport

/// The store with a bucket that operations fail on.
///
/// ```
///   bucket only          | bucket and machine | machine only        | bucket's log | machine's log
///   segments, value files| a segment          | a segment, garbage  | one write    | two writes
///   └ checkpoint "kept" of an earlier version |   in the bucket     |              |
/// ```
extension FaultedStore {
  static let checkpoint = "kept"

  /// One that was closed. Whole, all of it is on its machine as well.
  static func tiered(seed: UInt64, isWhole: Bool = false) throws -> FaultedStore {
    var making = try TieredMaking(seed: seed)
    try making.fill(isWhole: isWhole)
    try making.store.close()
    return making.made(making.machine, durable: [making.content])
  }

  /// One whose process was killed while the last writes were only in the system's cache.
  static func tieredAndKilled(seed: UInt64) throws -> FaultedStore {
    var making = try TieredMaking(seed: seed)
    try making.fill(isWhole: false)
    var durable = [making.content]
    for index in 0..<3 {
      try making.put("last \(index)", bytes: index == 1 ? 2_000 : 30, into: "default", .buffered)
      durable.append(making.content)
    }
    return making.made(making.machine.killImage(), durable: durable)
  }

  /// The same bucket, and a machine that has nothing.
  var lost: FaultedStore {
    var store = FaultedStore(machine.elsewhere(), elsewhere.states[0])
    (store.elsewhere, store.earlier) = (elsewhere, earlier)
    return store
  }

  /// The same store, to whose bucket another machine wrote last, which does not know of what is only here.
  func takenOver() throws -> FaultedStore {
    var store = self
    store.machine = machine.killImage()
    let other = try store.machine.neighbour().restore(opening)
    try other.keyspace("plain").put("key 3", "by another machine")
    try other.upload()
    store.elsewhere.states = [try CrashWorkload.content(of: other)]
    try other.close()
    let refusal = FaultJudge.failure { try store.machine.killImage().open(opening).close() }
    guard refusal?.code == .fenced else { throw Violation("nobody has taken over") }
    return store
  }

  /// The same store, beside a bucket in which there is nothing.
  func besideEmptyBucket() -> FaultedStore {
    var store = self
    store.machine = CrashMachine(machine.disk, bucket: SimulatedBucket())
    store.elsewhere.mayBeNone = true
    // A bucket is claimed before anything is put there.
    store.elsewhere.states = [["default": [:]]]
    return store
  }
}

extension FaultedStore {
  /// One that is whole, but that a segment is damaged here, and the copy of another in the bucket. Whoever opens it
  /// repairs it.
  static func damaged(_ whole: FaultedStore) throws -> FaultedStore {
    var store = whole
    store.machine = whole.machine.killImage()
    let segments = store.machine.disk.sealedFiles.filter { $0.hasPrefix("segment-") }.sorted()
    guard segments.count > 1, let bucket = store.machine.bucket else {
      throw Violation("too few segments to damage")
    }
    let path = "store/\(segments[0])"
    let middle = (store.machine.disk.contents()[path]?.count ?? 0) / 2
    try store.machine.disk.flip(mask: 1, at: middle, of: path)
    let number = segments[1].dropFirst("segment".count)
    guard
      let copy = bucket.names.first(where: {
        $0.description.contains("\(number)-") && $0.description.hasSuffix(".segment")
      }), var bytes = bucket.bytes(of: copy)
    else { throw Violation("no copy to damage") }
    bytes[bytes.count / 2] ^= 1
    bucket.tamper(copy, with: bytes)
    store.reopen = { machine, opening in
      let store = try machine.open(opening)
      _ = try store.scrubBucket(repairs: true)
      return store
    }
    return store
  }
}

/// The store while it is made.
private struct TieredMaking {
  let machine: CrashMachine
  let store: SegmentStore
  var content: FaultedStore.Content = ["default": [:]]
  private var version: FaultedStore.Content = [:]
  private var earlier: (number: UInt64, content: FaultedStore.Content)?
  private var elsewhere = FaultJudge.Elsewhere()
  private var random: SeededRandom

  init(seed: UInt64) throws {
    machine = CrashMachine(SimulatedFileSystem(seed: seed), bucket: SimulatedBucket())
    random = SeededRandom(seed: seed)
    store = try machine.open(CrashMachine.Opening())
  }

  func made(_ machine: CrashMachine, durable: [FaultedStore.Content]) -> FaultedStore {
    var made = FaultedStore(machine, content, durable: durable)
    made.elsewhere = elsewhere
    made.version = version
    made.earlier = earlier
    return made
  }

  mutating func fill(isWhole: Bool) throws {
    for (name, policy) in Self.policies {
      _ = try store.keyspace(name, policy)
      content[name] = [:]
    }
    // What the checkpoint keeps, and garbage that nothing does.
    for round in 0..<3 {
      try write(round)
      try store.compact()
      try store.upload()
      if round == 1 { earlier = (try store.bucketStatus().version ?? 0, content) }
      guard round == 0 else { continue }
      try store.makeCheckpoint(FaultedStore.checkpoint)
      elsewhere.checkpoint = (FaultedStore.checkpoint, content)
    }
    // Of the next one an opening needs nothing, as the list of keyspaces stands in the first.
    try write(3)
    try store.upload()
    if !isWhole { try store.evict() }
    try write(4)
    try store.upload()
    version = content
    try write(5)
    try store.flush()
    try put("in a log of the bucket", bytes: 40, into: "default", .remote)
    elsewhere.states = [content]
    for index in 0..<2 { try put("local \(index)", bytes: 1_300 * index, into: "plain", .synced) }
  }

  private static var policies: [(String, KeyspacePolicy)] {
    FaultedStore.policies(of: [("plain", .none), ("small", .zstd(level: 3))])
  }

  private mutating func write(_ round: Int) throws {
    for name in content.keys.sorted() {
      for index in 0..<(round < 3 ? 10 : 3) {
        let key = "key \(index * (round + 1))"
        if (index + round) % 7 == 6 {
          try store.keyspace(name).delete(key, durability: .buffered)
          content[name]?[Array(key.utf8)] = nil
        } else {
          try put(key, bytes: index % 8 == 1 ? 1_300 : 200, into: name, .buffered)
        }
      }
    }
  }

  mutating func put(
    _ key: String, bytes: Int, into name: String, _ durability: Durability
  ) throws {
    let keyspace = try store.keyspace(name)
    let value = random.text(keyspace.policy.valueBytes ?? bytes)
    try keyspace.put(key, value, durability: durability)
    content[name]?[Array(key.utf8)] = value
  }
}
