import Varve
import VarveObjects
import VarvePlatform
import VarveSimulation

// A store with its bucket and without, and taken from it for good.

extension ModelRun {
  /// Opens the store as it is to be opened now. Where that needs a bucket that does not answer, that does again.
  mutating func openStore() throws -> SegmentStore {
    guard side != nil else { return try openStore(options.storeOptions) }
    do {
      return try openWithSide()
    } catch let error as StoreError {
      guard error.code == .unavailable, let side,
        side.outage != nil || !side.isWanted && side.mayBeCold
      else { throw error }
      self.side?.endOutage()
      self.side?.isWanted = true
      return try openWithSide()
    }
  }

  private mutating func openWithSide() throws -> SegmentStore {
    guard let side else { throw Difference("there is no bucket") }
    let connection = side.isWanted ? side.connect() : nil
    self.side?.connection = connection
    if side.outage != nil { self.side?.outage?.first = 1 }
    let chosen =
      connection.map { options.storeOptions(with: $0, side) } ?? options.storeOptions
    let store = try openStore(chosen)
    self.side?.takesOver = false
    guard connection != nil else { return store }
    let status = try store.bucketStatus()
    guard status.isConnected || side.outage != nil else {
      throw Difference("opened without its bucket, which answers")
    }
    self.side?.isApart = !status.isConnected
    if status.isConnected { self.side?.model.see(status.version ?? 0) }
    return store
  }

  private mutating func openStore(_ chosen: StoreOptions) throws -> SegmentStore {
    try SegmentStore.open(at: path, options: chosen, components: components(fileSystem, clock))
  }

  /// A bucket tells openings apart by their random numbers.
  mutating func components(
    _ fileSystem: any FileSystem, _ clock: ModelClock
  ) -> StoreComponents {
    side?.machines += 1
    return StoreComponents(
      fileSystem: fileSystem, clock: clock,
      random: SimulatedRandom(seed: UInt64(options.seed) &+ (side?.machines ?? 0) &* 0x1_0001),
      background: options.background)
  }

  /// What is done to the disk in between is not asked for by call: the power stays on.
  mutating func cancelCut() {
    plannedCut = nil
    disk.crash(atStep: .max)
  }

  mutating func openAlone() throws {
    guard side != nil else { return }
    side?.isWanted = false
    try reopen()
  }

  mutating func openWithBucket(isNew: Bool) throws {
    guard let side, !side.isWanted else { return }
    cancelCut()
    self.side?.endOutage()
    self.side?.isWanted = true
    guard side.isDetached else { return try reopen() }
    self.side?.isDetached = false
    if isNew {
      self.side?.bucket = SimulatedBucket()
      self.side?.model = BucketModel(beside: model, isNew: false)
      self.side?.replica = nil
      return try reopen()
    }
    try refuseToReturn()
    self.side?.takesOver = true
    try open()
    settle()
    try compareAll()
  }

  /// The bucket has the store already, and cannot know what was written to it since.
  private mutating func refuseToReturn() throws {
    letGo()
    try opened.close()
    store = nil
    do {
      try openWithSide().close()
    } catch let error as StoreError where error.code == .fenced {
      return
    }
    throw Difference("what was detached came back unasked")
  }

  mutating func detach() throws {
    guard let side, side.connection != nil else { return }
    cancelCut()
    letGo()
    let cold = try opened.bucketStatus().cold.files
    try opened.close()
    settle()
    store = nil
    let refusal = try storeFailure {
      try SegmentStore.detachBucket(ofStoreAt: path, on: fileSystem)
    }
    if let refusal {
      // Only the bucket has all of it.
      guard refusal.code == .invalid, cold > 0 else { throw refusal }
    } else {
      self.side?.detached()
    }
    try open()
    try compareAll()
  }
}
