import Varve
import VarveFormat
import VarveSimulation
import VarveTestSupport

extension FuzzTarget {
  /// Operations on a store and on a sorted array, which must agree after each; power cuts among them.
  static let operations = FuzzTarget("operations", upTo: 2 << 10) { bytes in
    var operations = Operations(bytes.array)
    var run = try OperationRun(shape: operations.byte())
    while let act = operations.next() { try run.perform(act, &operations) }
    try run.finish()
  }
}

/// A store on a simulated disk and what must be in it.
struct OperationRun {
  private let shape: UInt8
  private let clock = SimulatedClock()
  private var disk: SimulatedFileSystem
  private var store: SegmentStore
  private var keyspace: Keyspace
  private var model: StoreModel
  /// What a power cut may leave: the content that is known durable, then each one after it.
  private var possible: [StoreModel]
  private var snapshot: (snapshot: Snapshot, model: StoreModel)?

  init(shape: UInt8) throws {
    self.shape = shape
    disk = SimulatedFileSystem(seed: UInt64(shape), logsAreReusable: shape & 2 == 0)
    (store, keyspace) = try Self.open(disk, clock, shape)
    model = StoreModel(keyspaces: 1, now: clock.wallMilliseconds())
    possible = [model]
  }

  private static func open(
    _ disk: SimulatedFileSystem, _ clock: SimulatedClock, _ shape: UInt8
  ) throws -> (SegmentStore, Keyspace) {
    var options = StoreOptions.small
    options.readMode = shape & 1 == 0 ? .mapped : .buffered
    options.segmentBytes = 64 << 10
    let store = try SegmentStore.open(
      at: "store", options: options,
      components: StoreComponents(
        fileSystem: disk, clock: clock, random: SimulatedRandom(seed: 5),
        background: shape & 4 == 0 ? .inline : .none))
    var policy = KeyspacePolicy()
    policy.compression = [.automatic, .none, .lz4, .zstd(level: 1)][Int(shape >> 3 & 3)]
    policy.largeValueBytes = [64, 500, 1024, 1 << 20][Int(shape >> 5 & 3)]
    policy.blockBytes = 4 << 10
    if shape & 0x80 != 0 { policy.valueAlignment = 64 }
    return (store, try store.keyspace("fuzzed", policy))
  }

  /// Does one act to both; a batch takes its writes from the acts that follow.
  mutating func perform(_ act: Operations.Act, _ operations: inout Operations) throws {
    switch act {
    case .put, .delete: try write([act])
    case .batch(let count, let durability):
      let acts = (0..<count).compactMap { _ in operations.next() }
      try write(acts, batched: durability)
    case .flush, .compact, .sync: try makeDurable(act)
    case .reopen: try reopen()
    case .crash(let mode, let seed): try crash(mode, seed)
    case .get(let key): try compareValue(Operations.key(key))
    case .scan(let lower, let upper, let order): try compareScan(lower, upper, order)
    case .walk(let key, let order, let steps): try compareWalk(key, order, steps)
    case .snapshot: snapshot = (try store.snapshot(), model)
    case .dropSnapshot: snapshot = nil
    case .pass(let milliseconds): try pass(milliseconds)
    }
  }

  mutating func finish() throws {
    try compareAll()
    try reopen()
    snapshot = nil
    try store.close()
    var findings = 0
    try StoreVerifier(at: "store", on: disk).run(.deep) {
      findings += $0.severity == .damage ? 1 : 0
    }
    promise(findings == 0, "the verifier finds damage")
  }
}

// MARK: - Changing

extension OperationRun {
  private mutating func write(_ acts: [Operations.Act], batched: Durability? = nil) throws {
    var batch = WriteBatch()
    var durability = batched ?? .buffered
    for act in acts {
      switch act {
      case .put(let number, let value, let life, let own):
        let key = Operations.key(number)
        batch.put(key, value, in: keyspace, expiresIn: life)
        model.put(key, value, life: life)
        durability = batched ?? own
      case .delete(let number, let own):
        batch.delete(Operations.key(number), in: keyspace)
        model.delete(Operations.key(number))
        durability = batched ?? own
      default: continue
      }
    }
    try store.commit(batch, durability: durability)
    possible = durability == .synced ? [model] : possible + [model]
  }

  private mutating func makeDurable(_ act: Operations.Act) throws {
    switch act {
    case .flush: try store.flush()
    case .compact: try store.compact()
    default: try store.sync()
    }
    possible = [model]
    try compareAll()
  }

  private mutating func reopen() throws {
    snapshot = nil
    try store.close()
    (store, keyspace) = try Self.open(disk, clock, shape)
    possible = [model]
    try compareAll()
  }

  private mutating func crash(_ mode: CrashMode, _ seed: UInt64) throws {
    snapshot = nil
    disk = disk.crashImage(mode, seed: seed)
    (store, keyspace) = try Self.open(disk, clock, shape)
    let found = try keyspace.entries()
    let survivor = possible.last { state in
      var state = state
      state.now = model.now
      return state.visible == found
    }
    promise(survivor != nil, "a power cut (\(mode)) leaves what never was")
    let now = model.now
    model = survivor ?? model
    model.now = now
    possible = [model]
  }

  private mutating func pass(_ milliseconds: UInt64) throws {
    clock.advance(milliseconds: milliseconds)
    // The store knows a time once it has looked at the clock.
    _ = try keyspace.values(for: [String]())
    model.now = clock.wallMilliseconds()
  }
}

// MARK: - Comparing

extension OperationRun {
  private func compareAll() throws {
    let expected = model.visible
    promise(try keyspace.entries() == expected, "a scan finds something else")
    promise(
      try keyspace.entries(order: .descending) == expected.reversed(), "not the same back")
    for entry in expected.prefix(20) { try compareValue(entry.key) }
    guard let snapshot else { return }
    promise(
      try keyspace.entries(at: snapshot.snapshot) == snapshot.model.visible, "a snapshot changed")
  }

  private func compareValue(_ key: [UInt8]) throws {
    let expected = model.value(of: key)
    let found = try keyspace.value(for: key)
    promise((found == nil) == (expected == nil), "a key that was seen is not there, or is")
    promise(found.map { $0.isSame(as: expected ?? []) } ?? true, "a key has another value")
    promise(try keyspace.size(ofValueFor: key) == expected?.count, "a value has another size")
  }

  private func compareScan(_ lower: Int, _ upper: Int, _ order: ScanOrder) throws {
    let (from, to) = (Operations.key(lower), Operations.key(upper))
    let inside = model.visible.filter {
      $0.key.order(against: from) >= 0 && $0.key.order(against: to) < 0
    }
    let found = try keyspace.entries(KeyRange(from: from, to: to), order: order)
    promise(found == (order == .ascending ? inside : inside.reversed()), "another range")
  }

  /// A cursor that seeks, and steps and turns from there.
  private func compareWalk(_ number: Int, _ order: ScanOrder, _ steps: UInt8) throws {
    let entries = order == .ascending ? model.visible : model.visible.reversed()
    let target = Operations.key(number)
    let sign = order == .ascending ? 1 : -1
    var place = entries.firstIndex { $0.key.order(against: target) * sign >= 0 }
    var cursor = try keyspace.cursor(order: order)
    var stands = try cursor.seek(to: target)
    for step in 0..<8 {
      promise(stands == (place != nil), "a cursor stands where nothing is, or does not")
      guard let here = place else { return }
      let found = KeyValue([UInt8](copying: cursor.key), [UInt8](copying: cursor.value))
      promise(found == entries[here], "a cursor stands on something else")
      let isForward = steps >> step & 1 == 0
      stands = try isForward ? cursor.next() : cursor.previous()
      let next = isForward ? here + 1 : here - 1
      place = entries.indices.contains(next) ? next : nil
    }
  }
}

// MARK: - The one keyspace

extension StoreModel {
  fileprivate mutating func put(_ key: [UInt8], _ value: [UInt8], life: UInt64?) {
    let entry = Entry(key, value, expiry: life.map { now + $0 } ?? 0)
    apply(.write([(0, key, entry)]))
  }

  fileprivate mutating func delete(_ key: [UInt8]) { apply(.write([(0, key, nil)])) }

  /// What a reader sees, in order.
  fileprivate var visible: [KeyValue] { entries(of: 0).map(\.shown) }

  fileprivate func value(of key: [UInt8]) -> [UInt8]? { entry(of: key, in: 0)?.shown.value }
}
