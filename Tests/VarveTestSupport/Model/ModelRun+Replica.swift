import Varve
import VarveSimulation

// A replica reads the bucket: what it shows, and what a snapshot of it shows that it keeps while it goes on.

extension ModelRun {
  mutating func openReplica() throws {
    guard let side, side.model.lostCopy == nil else { return }
    self.side?.replica = nil
    try side.replica?.store.close()
    let (connection, clock) = (side.connect(), clock(of: model.now))
    var opened: SegmentStore?
    let refusal = try storeFailure {
      opened = try SegmentStore.open(
        replicaAt: "replica", options: options.storeOptions(with: connection, side),
        components: components(side.replicaDisk, clock))
    }
    guard let store = opened else {
      if let refusal, refusal.code != .unavailable || side.outage == nil { throw refusal }
      return
    }
    self.side?.replica = BucketSide.KeptReplica(
      store: store, clock: clock, connection: connection, number: 0, model: model)
    try showNewest()
  }

  mutating func refreshReplica() throws {
    guard let side, let replica = side.replica else { return }
    replica.clock.catchUp(with: model.now)
    do {
      let isNewer = try replica.store.refresh()
      let number = try replica.store.bucketStatus().version ?? 0
      guard isNewer == (number > replica.number), number >= replica.number else {
        throw Difference("a replica went from version \(replica.number) to \(number)")
      }
      if side.model.isVersionSure, number != side.model.head {
        throw Difference("a replica shows version \(number), not \(side.model.head)")
      }
      if isNewer { return try showNewest() }
    } catch let error as StoreError {
      guard error.code == .unavailable, side.outage != nil else { throw error }
    }
    try compareReplica()
  }

  /// The replica must show what is the bucket's newest version.
  private mutating func showNewest() throws {
    guard let side, var replica = side.replica else { return }
    replica.number = try replica.store.bucketStatus().version ?? 0
    replica.isOld = false
    if let shown = shownUnread(by: replica) {
      replica.model = shown
      self.side?.replica = replica
      return try changeSnapshot()
    }
    guard let found = try content(of: replica) else {
      self.side?.replica = nil
      return
    }
    let now = model.now
    guard let shown = side.model.shown(where: { visible($0, at: now) == found }) else {
      throw Difference("a replica shows no version that the bucket may have")
    }
    replica.model = shown
    self.side?.replica = replica
    try compareSnapshot()
    try changeSnapshot()
  }

  /// The replica must show what it did.
  mutating func compareReplica() throws {
    try compareSnapshot()
    guard let replica = side?.replica else { return }
    guard let found = try content(of: replica) else { return }
    guard visible(replica.model, at: model.now) == found else {
      throw Difference("a replica shows something else than it did")
    }
    guard try replica.store.existingKeyspace(ModelOptions.names[0]) != nil else { return }
    let keyspace = try replica.store.keyspace(ModelOptions.names[0])
    try expect(.readOnly, "a write to a replica") { _ in
      try keyspace.put("of no account", "", durability: .synced)
    }
  }

  /// Nil where the bucket has it no more, or does not answer.
  private mutating func content(
    of replica: BucketSide.KeptReplica
  ) throws -> [[StoreModel.Entry]?]? {
    replica.clock.catchUp(with: model.now)
    do {
      try replica.store.snapshot().close()
      let found = try Self.content(of: replica.store)
      tally.replicas += 1
      trace.note(found.reduce(0) { $0 + ($1?.count ?? 0) })
      return found
    } catch let error as StoreError {
      let isGone = error.code == .snapshotTooOld && replica.isOld
      let isAway = error.code == .unavailable && side?.outage != nil
      guard isGone || isAway else { throw error }
      return nil
    }
  }
}

// MARK: - Their snapshots

extension ModelRun {
  /// What a version must hold that a snapshot is taken of before it was read, in turns: what was read once is in
  /// memory, and the snapshot would not ask the bucket.
  private func shownUnread(by replica: BucketSide.KeptReplica) -> StoreModel? {
    guard versionsRepeat, let bucket = side?.model, replica.snapshot == nil,
      !replica.number.isMultiple(of: 3),
      bucket.isVersionSure
    else { return nil }
    return bucket.version
  }

  /// Takes one where there is none. One that was kept for long enough is closed, which changes nothing for others.
  private mutating func changeSnapshot() throws {
    guard versionsRepeat, var replica = side?.replica else { return }
    if let kept = replica.snapshot, kept.left == 0 {
      kept.snapshot.close()
      replica.snapshot = nil
      side?.replica = replica
      // What only the snapshot needed goes with the next look.
      return try refreshReplica()
    }
    replica.snapshot?.left -= 1
    if replica.snapshot == nil {
      let store = replica.store
      let keyspaces = try ModelOptions.names.map { try store.existingKeyspace($0) }
      replica.snapshot = BucketSide.ReplicaSnapshot(
        snapshot: try store.snapshot(), keyspaces: keyspaces,
        shown: visible(replica.model, at: model.now), left: Int(replica.number % 4),
        isOld: replica.isOld)
    }
    side?.replica = replica
  }

  /// The snapshot shows what it did, or says that it is too old where something was collected since.
  private mutating func compareSnapshot() throws {
    guard let kept = side?.replica?.snapshot else { return }
    do {
      let found = try Self.content(of: kept.keyspaces, at: kept.snapshot)
      trace.note(found.reduce(0) { $0 + ($1?.count ?? 0) })
      guard found == kept.shown else {
        throw Difference("a replica's snapshot shows something else than it did")
      }
      tally.replicaSnapshots += 1
    } catch let error as StoreError {
      let isGone = error.code == .snapshotTooOld && kept.isOld
      let isAway = error.code == .unavailable && side?.outage != nil
      guard isGone || isAway else { throw error }
      trace.note(-3)
    }
  }
}
