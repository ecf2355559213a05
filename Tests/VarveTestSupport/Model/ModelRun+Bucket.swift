import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation

// What is asked of a bucket. While it does not answer whoever asks is told so, and all else goes on.

extension ModelRun {
  mutating func perform(withBucket operation: ModelOperation) throws {
    switch operation {
    case .upload: try upload()
    case .syncRemotely: try confirm("sync") { store in try store.sync(.remote) }
    case .evict(let kept): try evict(keeping: UInt64(kept))
    case .prefetchAll: try prefetch(most: nil)
    case .prefetch(let most): try prefetch(most: UInt64(most))
    case .collect(let seconds): try collect(grace: UInt64(seconds))
    case .scrub(let isDeep, let repairs): try scrub(isDeep: isDeep, repairs: repairs)
    case .makeCheckpoint(let slot): try makeCheckpoint(slot)
    case .removeCheckpoint(let slot): try removeCheckpoint(slot)
    case .lookAtBucket: try lookAtBucket()
    case .pauseUploads: try opened.pauseUploads()
    case .resumeUploads: try opened.resumeUploads()
    // How far other threads came is different in each run, and so is what they have asked for.
    case .outage(let requests, let kind) where options.background != .threads:
      side?.begin(kind, after: requests)
    case .endOutage: side?.endOutage()
    case .loseCopy(let number): try loseCopy(number)
    case .openAlone: try openAlone()
    case .openWithBucket(let isNew): try openWithBucket(isNew: isNew)
    case .detach: try detach()
    case .compareElsewhere(let version): try compareElsewhere(version)
    case .moveElsewhere(let version): try moveElsewhere(version)
    case .openReplica: try openReplica()
    case .refreshReplica: try refreshReplica()
    case .compareReplica: try compareReplica()
    default: break
    }
  }

  /// Asks the bucket for something: false where that is refused, as it may be.
  func ask(
    _ what: String, allowing codes: Set<StoreError.Code> = [],
    _ body: (SegmentStore) throws -> Void
  ) throws -> Bool {
    do {
      try body(opened)
    } catch let error as StoreError {
      guard let side, side.connection != nil else {
        if error.code == .invalid { return false }
        throw error
      }
      if codes.contains(error.code) || !side.isAnswering && error.code == .unavailable {
        return false
      }
      throw error
    }
    guard side?.connection != nil else { throw Difference("\(what) without a bucket") }
    return true
  }

  /// The number of the newest version that the store knows.
  var headNumber: UInt64 { get throws { try opened.bucketStatus().version ?? 0 } }
}

// MARK: - Putting

extension ModelRun {
  private mutating func upload() throws {
    var isDone = false
    try confirming("upload", isBehind: true) { run in
      isDone = try run.ask("upload") { store in try store.upload() }
      return isDone
    }
    guard isDone else { return }
    // All was flushed before it was put.
    settle()
    let number = try headNumber
    side?.model.uploaded(model, as: number, restores: true)
  }

  /// Does what returns when the bucket has everything.
  mutating func confirm(
    _ what: String, isWrite: Bool = false, _ body: (SegmentStore) throws -> Void
  ) throws {
    let wasSure = side?.model.isVersionSure ?? true
    let isBehind = isWrite || side?.model.isBehind ?? false
    let isDone = try confirming(what, isBehind: isBehind) { run in try run.ask(what, body) }
    // What was written is durable here, whatever the bucket has.
    settle()
    guard isDone else { return }
    let number = try headNumber
    side?.model.confirm(model, head: number, wasSure: wasSure)
  }

  /// Does what puts something there, and cannot where the bucket does not answer.
  @discardableResult
  private mutating func confirming(
    _ what: String, isBehind: Bool, _ body: (ModelRun) throws -> Bool
  ) throws -> Bool {
    guard let side, side.connection != nil, !side.isApart else { return try body(self) }
    let isSilent = side.isSilent
    self.side?.model.doubt()
    let isDone = try body(self)
    if isDone, isSilent, isBehind {
      throw Difference("\(what) was confirmed by a bucket that did not answer")
    }
    return isDone
  }
}

// MARK: - What is where

extension ModelRun {
  private mutating func evict(keeping kept: UInt64) throws {
    if side?.connection != nil { side?.mayBeCold = true }
    let codes: Set<StoreError.Code> = side?.model.lostCopy == nil ? [] : [.corrupted]
    var bytes: UInt64 = 0
    _ = try ask("evict", allowing: codes) { store in bytes = try store.evict(keeping: kept) }
    if bytes > 0 { tally.evictions += 1 }
    try compareAll()
  }

  private mutating func prefetch(most: UInt64?) throws {
    guard try ask("prefetch", { try $0.prefetch(most: most ?? .max) }), most == nil else { return }
    let status = try opened.bucketStatus()
    guard status.cold.files == 0 else { throw Difference("\(status.cold.files) files are cold") }
    // What only they read is not part of the store any more.
    let isReadByOthers = snapshots.contains { $0 != nil } || cursors.contains { $0 != nil }
    if !isReadByOthers { side?.mayBeCold = false }
  }

  private mutating func collect(grace: UInt64) throws {
    var isRefused = false
    // By the bucket's clock, which stands still, nothing is ever older than any other grace.
    defer { if !isRefused, grace == 0 { noteCollected() } }
    let isDone = try ask("collect") { store in
      _ = try store.collectBucket(grace: grace, isDry: true)
      try store.collectBucket(grace: grace)
    }
    // Where answers do not come, or the power goes, some of it may be gone all the same.
    isRefused = !isDone && (side?.connection == nil || side?.outage == nil)
    // What is removed later than the grace would be may have come into use again.
    if let bucket = side?.bucket, grace < 3_600 {
      while bucket.hasLateRequests { bucket.deliverLateRequest() }
    }
  }

  private mutating func noteCollected() {
    side?.model.isCollected = true
    side?.replica?.isOld = true
    side?.replica?.snapshot?.isOld = true
  }

  private mutating func scrub(isDeep: Bool, repairs: Bool) throws {
    var found: BucketScrub?
    _ = try ask("scrub") { found = try $0.scrubBucket(isDeep: isDeep, repairs: repairs) }
    guard let scrub = found, let bucket = side?.model else { return }
    if bucket.lostCopy == nil, let damage = scrub.damages.first {
      throw Difference("a scrub found \(damage)")
    }
    if bucket.lostCopy == bucket.head, bucket.isVersionSure, scrub.damages.isEmpty {
      throw Difference("a scrub did not find that a copy is gone")
    }
    // What is no part of the store any more is not here either, and is told only.
    if repairs, bucket.lostCopy == bucket.head, scrub.isSound { side?.model.mend() }
  }

  /// Takes a copy from the bucket of what is on the machine.
  private mutating func loseCopy(_ number: Int) throws {
    guard let side, side.isAnswering, side.model.isVersionSure, side.model.lostCopy == nil,
      let head = try BucketReader(side.bucket.connect()).head()?.manifest
    else { return }
    let directory = try fileSystem.openDirectory(at: path, create: false)
    let here = try head.files.filter { try directory.status(of: $0.name.description) != nil }
    guard !here.isEmpty else { return }
    side.bucket.tamper(BucketLayout.file(here[number % here.count]), with: nil)
    self.side?.model.lose()
    self.side?.replica = nil
  }
}

// MARK: - Versions

extension ModelRun {
  private static func checkpoint(_ slot: Int) -> String { "checkpoint-\(slot)" }

  private mutating func makeCheckpoint(_ slot: Int) throws {
    guard let bucket = side?.model else {
      return try expect(.invalid, "a checkpoint") { try $0.makeCheckpoint("none") }
    }
    let isTaken = bucket.checkpoints[slot] != nil
    let mayBeTaken = isTaken || bucket.doubtfulCheckpoints.contains(slot)
    var codes: Set<StoreError.Code> = mayBeTaken ? [.exists] : []
    if bucket.mayBeNew || bucket.lostCopy != nil { codes.insert(.notFound) }
    var number: UInt64 = 0
    if side?.outage != nil, !isTaken { side?.model.doubtfulCheckpoints.insert(slot) }
    let isDone = try ask("a checkpoint", allowing: codes) {
      number = try $0.makeCheckpoint(Self.checkpoint(slot))
    }
    guard isDone else { return }
    guard !isTaken else { throw Difference("checkpoint \(slot) was made twice") }
    if bucket.isVersionSure, number != bucket.head {
      throw Difference("a checkpoint keeps \(number) and not \(bucket.head)")
    }
    side?.model.checkpoints[slot] = number
    side?.model.doubtfulCheckpoints.remove(slot)
  }

  private mutating func removeCheckpoint(_ slot: Int) throws {
    let name = Self.checkpoint(slot)
    guard let bucket = side?.model else {
      return try expect(.invalid, "a checkpoint") { try $0.removeCheckpoint(name) }
    }
    let isDoubtful = bucket.doubtfulCheckpoints.contains(slot)
    let isThere = bucket.checkpoints[slot] != nil
    if side?.outage != nil, isThere {
      side?.model.doubtfulCheckpoints.insert(slot)
      side?.model.checkpoints[slot] = nil
    }
    let isDone = try ask("no checkpoint", allowing: isThere && !isDoubtful ? [] : [.notFound]) {
      try $0.removeCheckpoint(name)
    }
    guard isDone else { return }
    guard isThere || isDoubtful else { throw Difference("checkpoint \(slot) was removed twice") }
    side?.model.checkpoints[slot] = nil
    side?.model.doubtfulCheckpoints.remove(slot)
  }

  /// What can be told of a bucket without changing it.
  private func lookAtBucket() throws {
    guard let side, side.connection != nil else {
      guard side == nil || side?.isDetached == true else { return _ = try opened.bucketStatus() }
      return try expect(.invalid, "a status") { _ = try $0.bucketStatus() }
    }
    try checkStatus(side)
    // Another machine asks, whom the bucket answers.
    let objects = side.bucket.connect()
    let usage = try SegmentStore.bucketUsage(in: objects)
    let versions = try SegmentStore.bucketVersions(in: objects, most: 5)
    let model = side.model
    guard usage.missing.files == 0 || model.lostCopy != nil else {
      throw Difference("\(usage.missing.files) files are missing in the bucket")
    }
    guard versions.first?.number == usage.version, versions.allSatisfy({ $0.problem == nil }),
      zip(versions, versions.dropFirst()).allSatisfy({ $0.number > $1.number })
    else { throw Difference("the bucket has the versions \(versions)") }
    if model.isVersionSure, usage.version != model.head {
      throw Difference("the bucket's newest version is \(usage.version), not \(model.head)")
    }
    guard model.doubtfulCheckpoints.isEmpty else { return }
    let expected = model.checkpoints.sorted { $0.key < $1.key }
      .map { "\(Self.checkpoint($0.key)) \($0.value)" }
    let kept = versions.flatMap { version in
      version.checkpoints.map { "\($0) \(version.number)" }
    }
    guard usage.checkpoints.map({ "\($0.name) \($0.version)" }).sorted() == expected,
      kept.sorted() == expected
    else { throw Difference("the bucket has the checkpoints \(kept), not \(expected)") }
  }

  private func checkStatus(_ side: BucketSide) throws {
    let status = try opened.bucketStatus()
    guard status.isConnected == !side.isApart, !status.isFenced else {
      throw Difference("connected: \(status.isConnected), fenced: \(status.isFenced)")
    }
    guard side.mayBeCold || status.cold.files == 0 else {
      throw Difference("\(status.cold.files) files are cold that never left")
    }
    let refused = side.bucket.connect()
    refused.setFaults { _, _, _ in .refused }
    try expect(.unavailable, "versions") { _ in _ = try SegmentStore.bucketVersions(in: refused) }
  }
}
