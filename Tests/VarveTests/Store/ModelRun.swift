import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Random acts on a store and on its model, side by side; the seed decides them all.
///
/// ```
///   act -> store, model        after each act: some keys, often a scan
///                              after upkeep:   every keyspace whole, and every snapshot
/// ```
struct ModelRun {
  /// The store and the model disagree.
  struct Difference: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
  }

  static let names = ["plain", "short-lived", "vectors"]

  private let setting: StoreSetting
  private let path: String
  private var fileSystem: any FileSystem
  private let clock = SimulatedClock()
  private(set) var random: SeededRandom
  private var store: SegmentStore
  private(set) var model: StoreModel
  private var snapshots: [(snapshot: Snapshot, model: StoreModel)] = []

  init(_ setting: StoreSetting, _ fileSystem: any FileSystem, _ path: String, seed: UInt64) throws {
    self.setting = setting
    self.fileSystem = fileSystem
    self.path = path
    random = SeededRandom(seed: seed)
    model = StoreModel(now: clock.wallMilliseconds())
    store = try Self.open(fileSystem, path, setting, clock)
    for name in Self.names { try make(name) }
  }

  private static func open(
    _ fileSystem: any FileSystem, _ path: String, _ setting: StoreSetting, _ clock: SimulatedClock
  ) throws -> SegmentStore {
    var options = StoreOptions.small
    options.readMode = setting.readMode
    return try SegmentStore.open(
      at: path, options: options,
      components: StoreComponents(
        fileSystem: fileSystem, clock: clock, random: SimulatedRandom(seed: 1),
        background: .inline))
  }

  private mutating func make(_ name: String) throws {
    var policy = KeyspacePolicy.default
    if name == "short-lived" { policy.timeToLiveMilliseconds = 2_000 }
    if name == "vectors" {
      // Aligned as vectors are, of any size.
      policy.valueAlignment = 64
      policy.largeValueBytes = 200
    }
    _ = try store.keyspace(name, policy)
    model.keyspaces[name] = []
  }

  mutating func close() throws {
    snapshots = []
    try store.close()
  }
}

// MARK: - Acts

extension ModelRun {
  /// Does one act and compares.
  mutating func step() throws {
    switch random.below(100) {
    case 0..<38: try write(count: 1)
    case 38..<52: try write(count: 1 + random.below(24))
    case 52..<64: try comparePoints()
    case 64..<74: try compareScan()
    case 74..<84: try compareWalk()
    case 84..<88: try changeSnapshots()
    case 88..<92: try moveClock()
    case 92..<95: try store.flush()
    case 95: try store.freezeMemTable()
    case 96: try compact()
    case 97: try dropOrPause()
    case 98: try reopen()
    default: try crash()
    }
  }

  private mutating func write(count: Int) throws {
    var batch = WriteBatch()
    for _ in 0..<count {
      let name = Self.names[random.below(3)]
      let keyspace = try store.keyspace(name)
      let key = randomKey()
      if random.below(4) == 0 {
        batch.delete(key, in: keyspace)
        model.delete(key, in: name)
      } else {
        let value = randomValue()
        let life = random.below(6) == 0 ? UInt64(1 + random.below(3_000)) : nil
        batch.put(key, value, in: keyspace, expiresIn: life)
        model.put(key, value, in: name, life: life ?? keyspace.policy.timeToLiveMilliseconds)
      }
    }
    try store.commit(batch, durability: random.below(20) == 0 ? .synced : .buffered)
  }

  /// Keys that share beginnings, the empty one, and long ones.
  private mutating func randomKey() -> [UInt8] {
    let number = random.below(150)
    switch number {
    case 0: return []
    case 1..<10: return [UInt8](repeating: 0xff, count: number)
    case 10..<16: return [UInt8](repeating: 0x61, count: 200) + Array("\(number)".utf8)
    default: return Array("key \(number)".utf8)
    }
  }

  private mutating func randomValue() -> [UInt8] {
    switch random.below(40) {
    case 0: []
    case 1..<4: random.bytes(1_000 + random.below(6_000))
    case 4: random.text(30_000 + random.below(60_000))
    default: random.text(1 + random.below(60))
    }
  }

  private mutating func changeSnapshots() throws {
    if snapshots.count < 4, random.below(2) == 0 {
      snapshots.append((try store.snapshot(), model))
    } else if !snapshots.isEmpty {
      snapshots.remove(at: random.below(snapshots.count))
    }
  }

  private mutating func moveClock() throws {
    if random.below(5) == 0 {
      clock.setWall(milliseconds: clock.wallMilliseconds() - UInt64(random.below(100_000)))
    } else {
      clock.advance(milliseconds: UInt64(random.below(1_500)))
    }
    // The store knows a time once it has looked at the clock.
    _ = try store.keyspace("plain").values(for: [String]())
    model.now = max(model.now, clock.wallMilliseconds())
  }

  private mutating func dropOrPause() throws {
    switch random.below(4) {
    case 0:
      let name = Self.names[1 + random.below(2)]
      try store.dropKeyspace(name)
      // A snapshot shows the keyspace that was dropped, not the one made under its name.
      for index in snapshots.indices { snapshots[index].model.keyspaces[name] = [] }
      try make(name)
    case 1: store.pauseCompaction()
    default: store.resumeCompaction()
    }
  }

  private mutating func compact() throws {
    try store.compact()
    try compareAll()
    let isClean = snapshots.isEmpty && store.metrics().frozenMemTables == 0
    let live = store.metrics().levels.reduce(0) { $0 + $1.entries }
    let expected = Self.names.reduce(4) { $0 + model.entries(of: $1).count }
    // The records of three keyspaces, and the next number once one was dropped.
    if isClean, live > expected { throw Difference("\(live) entries on disk for \(expected)") }
  }

  private mutating func reopen() throws {
    try letGo()
    try store.close()
    store = try Self.open(fileSystem, path, setting, clock)
    try compareAll()
  }

  /// The power goes right after a sync, or the process ends where the disk is a real one.
  private mutating func crash() throws {
    try letGo()
    if let system = fileSystem as? SimulatedFileSystem {
      try store.sync()
      let mode = CrashMode.allCases[random.below(CrashMode.allCases.count)]
      fileSystem = system.crashImage(mode, seed: random.next())
    }
    store.engine.abandon()
    store = try Self.open(fileSystem, path, setting, clock)
    try compareAll()
  }

  private mutating func letGo() throws {
    snapshots = []
    // The next opening knows the time of the last manifest, no later one.
    clock.setWall(milliseconds: max(clock.wallMilliseconds(), model.now))
  }
}

// MARK: - Comparing

extension ModelRun {
  /// Now, or a moment of a snapshot.
  private mutating func moment() -> (snapshot: Snapshot?, model: StoreModel) {
    guard !snapshots.isEmpty, random.below(3) == 0 else { return (nil, model) }
    let chosen = snapshots[random.below(snapshots.count)]
    return (chosen.snapshot, chosen.model)
  }

  private mutating func comparePoints() throws {
    let name = Self.names[random.below(3)]
    let keyspace = try store.keyspace(name)
    let keys = (0..<1 + random.below(8)).map { _ in randomKey() }
    let (snapshot, model) = moment()
    for key in keys {
      let expected = model.value(of: key, in: name)
      let found =
        try snapshot.map { try $0.value(for: key, in: keyspace) } ?? keyspace.value(for: key)
      guard Self.isSame(found, expected) else {
        throw Difference("\(name), \(key): \(found?.count ?? -1) bytes")
      }
      guard snapshot == nil else { continue }
      guard try keyspace.size(ofValueFor: key) == expected?.count,
        try keyspace.withValue(for: key, { $0.count }) == expected?.count
      else { throw Difference("\(name), \(key): another size") }
    }
    if snapshot == nil {
      for (key, found) in zip(keys, try keyspace.values(for: keys)) {
        guard Self.isSame(found, model.value(of: key, in: name)) else {
          throw Difference("\(name), \(key): many keys at once")
        }
      }
    }
  }

  private static func isSame(_ left: [UInt8]?, _ right: [UInt8]?) -> Bool {
    guard let left, let right else { return left == nil && right == nil }
    return left.isSame(as: right)
  }

  private mutating func randomRange() -> KeyRange {
    switch random.below(4) {
    case 0: .all
    case 1: KeyRange(prefix: Array(randomKey().prefix(5)))
    case 2: KeyRange(from: randomKey())
    default: KeyRange(from: randomKey(), to: randomKey())
    }
  }

  private mutating func compareScan() throws {
    let name = Self.names[random.below(3)]
    let range = randomRange()
    let order = random.below(2) == 0 ? ScanOrder.ascending : .descending
    let (snapshot, model) = moment()
    try compare(name, range, order, snapshot, model)
  }

  private func compare(
    _ name: String, _ range: KeyRange, _ order: ScanOrder, _ snapshot: Snapshot?,
    _ model: StoreModel
  ) throws {
    let found = try store.keyspace(name).entries(range, order: order, at: snapshot)
    let expected = model.entries(of: name, range, order: order)
    guard found != expected else { return }
    let place = zip(found, expected).prefix { $0 == $1 }.count
    throw Difference(
      "\(name), \(order) scan of \(range)\(snapshot == nil ? "" : " at a snapshot"): entry \(place) "
        + "of \(expected.count), found \(found.count)")
  }

  /// Every keyspace whole, both ways, and at every snapshot.
  func compareAll() throws {
    for name in Self.names {
      for order in [ScanOrder.ascending, .descending] {
        try compare(name, .all, order, nil, model)
        for (snapshot, model) in snapshots { try compare(name, .all, order, snapshot, model) }
      }
    }
  }

  /// A cursor that seeks, and steps and turns from there.
  private mutating func compareWalk() throws {
    let name = Self.names[random.below(3)]
    let range = randomRange()
    let order = random.below(2) == 0 ? ScanOrder.ascending : .descending
    let (snapshot, model) = moment()
    let entries = model.entries(of: name, range, order: order)
    var cursor = try store.keyspace(name).cursor(range, order: order, at: snapshot)
    let target = randomKey()
    var stands = try cursor.seek(to: target)
    let sign = order == .ascending ? 1 : -1
    let place = entries.place { $0.key.order(against: target) * sign }.index
    var position = place < entries.count ? place : nil
    for step in 0..<12 {
      let found = KeyValue([UInt8](copying: cursor.key), [UInt8](copying: cursor.value))
      guard stands == (position != nil), found == position.map({ entries[$0] }) ?? KeyValue([], [])
      else { throw Difference("\(name), \(order) walk in \(range) from \(target), step \(step)") }
      guard let here = position else { return }
      let isForward = random.below(3) > 0
      stands = try isForward ? cursor.next() : cursor.previous()
      let next = isForward ? here + 1 : here - 1
      position = entries.indices.contains(next) ? next : nil
    }
  }
}
