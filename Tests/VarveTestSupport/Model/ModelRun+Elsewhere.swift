import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation

// What the bucket leads to without the store's machine: another that takes its place, and a replica.

extension ModelRun {
  /// Opens what the bucket has on another machine, beside a copy of the bucket, and looks at it.
  mutating func compareElsewhere(_ version: ModelVersion) throws {
    guard let side, !side.isDetached || side.bucket.names.count > 0 else { return }
    let machine = BucketSide.disk(options, number: side.machines)
    let found = try restore(
      version, from: side.bucket.copy().connect(), at: "store", on: machine, clock(of: model.now))
    try found?.store.close()
  }

  /// Another machine takes the store's place, which can put nothing into the bucket from then on.
  mutating func moveElsewhere(_ version: ModelVersion) throws {
    guard let side else { return }
    cancelCut()
    let connection = side.bucket.connect()
    let machine = place == nil ? BucketSide.disk(options, number: side.machines) : disk
    clock.catchUp(with: model.now)
    let moved = place.map { "\($0.path)-\(side.machines)" }
    guard
      let found = try restore(
        version, from: connection, at: moved ?? path, on: place?.fileSystem ?? machine, clock)
    else { return }
    try checkFence(side)
    letGo()
    (store, disk) = (found.store, machine)
    if let moved { place?.path = moved }
    self.side?.endOutage()
    self.side?.connection = connection
    self.side?.moved()
    let number = try headNumber
    if let count = found.count {
      self.side?.model.go(onAfter: count, head: number)
    } else {
      self.side?.model.uploaded(found.model, as: number, restores: false)
    }
    let now = model.now
    model = found.model
    model.now = now
    try findKeyspaces()
    settle()
    try compareAll()
  }

  /// Where threads make versions, which there are is a matter of time, and a trace would tell of it.
  var versionsRepeat: Bool { options.background != .threads }

  /// A store that was found in a bucket, and what it holds: after so many changes, or as a version did.
  private struct Found {
    var store: SegmentStore
    var model: StoreModel
    var count: Int?
  }

  private mutating func restore(
    _ version: ModelVersion, from connection: SimulatedObjectStore, at path: String,
    on machine: any FileSystem, _ clock: ModelClock
  ) throws -> Found? {
    guard let side, side.model.lostCopy == nil, versionsRepeat || !version.isEarlier else {
      return nil
    }
    let known = side.model.known(version)
    guard version == .newest || known != nil else { return nil }
    var opened: SegmentStore?
    let refusal = try storeFailure {
      opened = try SegmentStore.open(
        fromBucketTo: path, options: options.storeOptions(with: connection, side),
        version: version.name(known?.number), components: components(machine, clock))
    }
    guard let store = opened else {
      let isGone = version.mayGo && side.model.isCollected && refusal?.code == .notFound
      if let refusal, !isGone { throw refusal }
      return nil
    }
    let found = try Self.content(of: store)
    tally.elsewhere += 1
    trace.note(found.reduce(0) { $0 + ($1?.count ?? 0) })
    let now = model.now
    if let known {
      guard visible(known.model, at: now) == found else {
        throw Difference("version \(known.number) holds something else")
      }
      return Found(store: store, model: known.model, count: nil)
    }
    guard let newest = side.model.restored(where: { visible($0, at: now) == found }) else {
      throw Difference("elsewhere is not what the bucket confirmed")
    }
    return Found(store: store, model: newest.model, count: newest.count)
  }

  /// Whoever was taken over from can put nothing there.
  private func checkFence(_ side: BucketSide) throws {
    guard side.isAnswering else { return }
    let keyspace = try opened.keyspace(ModelOptions.names[0])
    try expect(.fenced, "a write of whom another took over from") { _ in
      try keyspace.put("of no account", "", durability: .remote)
    }
  }

  /// The clock of another machine.
  func clock(of time: UInt64) -> ModelClock {
    let clock = ModelClock(isRunning: options.background == .threads)
    clock.catchUp(with: time)
    return clock
  }
}

extension ModelVersion {
  /// Whether a collector may have removed it.
  fileprivate var mayGo: Bool {
    if case .earlier = self { true } else { false }
  }

  fileprivate func name(_ number: UInt64?) -> BucketVersion.Name {
    switch self {
    case .newest: .newest
    case .earlier: .number(number ?? 0)
    case .checkpoint(let slot): .checkpoint("checkpoint-\(slot)")
    }
  }
}
