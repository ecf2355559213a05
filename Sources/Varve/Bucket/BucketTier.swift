import Synchronization
import VarveFormat
import VarveObjects
import VarvePlatform

/// A store's side of its bucket: who it is there, and what it has put there.
///
/// ```
///   version ──> files that are not there: put ──> manifest: committed ──> `bucket` file: durable
///                                                                             └──> files may go
/// ```
///
/// Order is the promise: a file leaves this machine only after a `bucket` file that names its copy is
/// durable, and that names only what a confirmed manifest names.
final class BucketTier: Sendable {
  struct State: Sendable {
    var tie: BucketTie
    /// What was put since the last commit.
    var uploaded: [FileKey: BucketObject] = [:]
    /// Garbage that was removed, for the next commit to leave out.
    var removed: Set<BucketFile> = []
  }

  /// What is known of the bucket at the moment, for those who do not wait for what is under way.
  struct Known: Sendable {
    /// Nil where the bucket did not answer when the store was opened.
    var writer: BucketWriter?
    /// The newest manifest that a durable `bucket` file names.
    var head: BucketManifest?
  }

  let options: BucketOptions
  let cold: ColdFiles
  /// The store's directory, cold files among its files: a sync of it that fails is everybody's.
  let directory: GuardedDirectory
  /// The same without the guard: it tells what is on disk.
  let tiered: TieredDirectory
  let random: any RandomSource
  /// Held while files or manifests are put: one at a time.
  let state: Monitor<State>
  private let current: Monitor<Known>
  /// Held while files of this machine change; true once the store was let go: they may be somebody else's
  /// then, and what is still under way may not touch them.
  private let changing = Monitor(false)
  /// Held while files come back: one at a time.
  let fetching = Monitor(())
  private let fence = Atomic(false)

  private init(
    _ options: BucketOptions, _ directory: GuardedDirectory, _ tiered: TieredDirectory,
    _ random: any RandomSource, _ tie: BucketTie
  ) {
    self.options = options
    cold = tiered.cold
    self.directory = directory
    self.tiered = tiered
    self.random = random
    state = Monitor(State(tie: tie))
    current = Monitor(Known(head: tie.head))
  }

  var objects: any ObjectStore { options.objects }

  var known: Known { current.withLock { $0 } }

  /// Whether another machine was found to have taken over.
  var isFenced: Bool { fence.load(ordering: .relaxed) }

  /// Changes files of this machine; throws `.closed` once the store was let go.
  func changeFiles<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try changing.withLock { isOver throws(StoreError) in
      guard !isOver else { throw StoreError(.closed, "the store was closed", file: directory.path) }
      return try body()
    }
  }

  /// From here on nothing changes files of this machine. What is under way in the bucket goes on to its
  /// end, and is found there by whoever opens the store next.
  func letGo() {
    changing.withLock { $0 = true }
    cold.letGo()
  }
}

// MARK: - Opening

extension BucketTier {
  /// Claims the store's bucket, or makes it where it is new.
  ///
  /// - Throws: `.fenced` where another machine wrote there last, or the bucket has a version that this
  ///   directory does not know; `.unavailable` where the bucket does not answer and the store may not be
  ///   opened without.
  static func open(
    _ options: BucketOptions, _ tie: BucketTie?, in directory: GuardedDirectory,
    _ tiered: TieredDirectory, of manifest: Manifest, through last: SequenceNumber,
    _ random: any RandomSource, _ clock: StoreClock
  ) throws(StoreError) -> BucketTier {
    let location = options.objects.location
    let claim = BucketClaim(options.objects, random: random)
    if tie?.head == nil || tie?.location != location {
      do throws(BucketError) { try claim.probe() } catch { throw StoreError(error, at: location) }
    }
    let id = claim.makeID()
    var (known, before) = Self.introduced(id, tie, location, manifest.storeID)
    try TieFile(directory: directory).write(known)
    let tier = BucketTier(options, directory, tiered, random, known)
    let cold = try tier.coldFiles(of: manifest)
    let writer: BucketWriter
    do throws(BucketError) {
      writer = try Self.claim(
        claim, id, before, options, known.head, clock, of: manifest, through: last, cold)
    } catch {
      if case .fenced = error { try tier.noteFence() }
      guard options.opensWithoutBucket, error.isTransient else {
        throw StoreError(error, at: location)
      }
      return tier
    }
    (known.writers, known.location, known.state) = ([id], location, .whole)
    try tier.adopt(writer, known, manifest)
    return tier
  }

  /// What to note before a claim: it may arrive, and its answer be lost, and it must be known as ours. Also
  /// who we were until now: the first is the one that was confirmed last; of those that may have arrived the
  /// latest are kept.
  private static func introduced(
    _ id: FileID, _ tie: BucketTie?, _ location: String, _ storeID: FileID
  ) -> (BucketTie, before: [FileID]) {
    let writers = tie?.writers ?? []
    let before = Array(
      writers.prefix(1) + writers.dropFirst().suffix(BucketTie.mostWriters - 2))
    let noted = BucketTie(
      // Another place is noted when the store was found there.
      location: tie?.location ?? location, writers: before + [id], head: tie?.head,
      storeID: storeID, state: tie?.state ?? .whole)
    return (noted, before)
  }

  private static func claim(
    _ claim: BucketClaim, _ id: FileID, _ before: [FileID], _ options: BucketOptions,
    _ known: BucketManifest?, _ clock: StoreClock, of manifest: Manifest,
    through last: SequenceNumber, _ cold: [LocalFile]
  ) throws(BucketError) -> BucketWriter {
    do throws(BucketError) {
      let writer = try claim.run(
        as: id, of: manifest.storeID, after: options.takesOver ? .anybody : .oneOf(before)
      ) { head throws(BucketError) in
        // Of an earlier copy of the directory, the writer is known as well. What was taken over by force
        // is known too.
        let isKnown = manifest.number >= head.version.number || known?.version == head.version
        guard options.takesOver || isKnown else { throw .newer }
        // What its logs hold was durable here before.
        let logged = try BucketReader(options.objects).lastLogged(behind: head)
        guard options.takesOver || logged <= last else { throw .newer }
        let copies = head.copies
        for file in cold where copies[file.key] == nil {
          throw .lacks(file: file.name.description)
        }
      }
      // Until the claim another copy of this directory may have put more.
      let logged = try BucketReader(options.objects).lastLogged(behind: writer.head.manifest)
      guard options.takesOver || logged <= last else { throw .newer }
      return writer
    } catch {
      guard case .noStore = error else { throw error }
      // Only a store that has nothing in any bucket begins a new one.
      guard known == nil else {
        throw .request(
          ObjectStoreError(
            .unavailable,
            "there is no store where this one was put: is it the same bucket, is it there?"
          ))
      }
      return try claim.make(for: Manifest(storeID: manifest.storeID), created: clock.now(), as: id)
    }
  }

  /// What is in the bucket may be newer than what was noted of it, and never older.
  private func adopt(
    _ writer: BucketWriter, _ tie: BucketTie, _ manifest: Manifest
  ) throws(StoreError) {
    var tie = tie
    tie.head = writer.head.manifest
    if options.logInterval != nil { writer.beginLogs() }
    try note(tie, live: manifest)
    state.withLock { [tie] in $0.tie = tie }
    current.withLock { $0.writer = writer }
    // Whoever has taken over may have collected it.
    cold.explainMissing { [weak self] in
      guard let self, (try? checkHead()) == nil, isFenced else { return .missing }
      return .fenced
    }
  }

  /// Makes durable what is known of the bucket, and then lets others know.
  ///
  /// - Parameter live: whose files may be needed from there.
  private func note(_ tie: BucketTie, live: Manifest) throws(StoreError) {
    var tie = tie
    if isFenced { tie.state = .fenced }
    try changeFiles { () throws(StoreError) in try TieFile(directory: directory).write(tie) }
    current.withLock { $0.head = tie.head }
    if let head = tie.head { cold.add(head, among: live) }
  }
}

// MARK: - Uploading

extension BucketTier {
  /// Makes `version` the newest in the bucket. Its files stay on disk meanwhile: the caller keeps it.
  ///
  /// - Parameter present: the version that readers see when all is done.
  func upload(
    _ version: Version, _ progress: (UInt64) -> Void, present: () -> Version
  ) throws(StoreError) -> BucketStatus.Amount {
    try state.withLock { state throws(StoreError) in
      let writer = try connectedWriter()
      let next = version.manifest.forBucket
      if let head = state.tie.head, has(next, head) { return .init() }
      var upload = BucketStatus.Amount()
      let there = (state.tie.head?.copies ?? [:]).merging(state.uploaded) { $1 }
      var copies: [BucketObject] = []
      for file in next.bucketFiles {
        if let copy = there[file.key] {
          copies.append(copy)
          continue
        }
        // Between files: whoever was fenced puts nothing there, and one that was closed stops.
        try changeFiles { () throws(StoreError) in }
        _ = try connectedWriter()
        let copy = try put(file, of: writer)
        state.uploaded[file.key] = copy
        copies.append(copy)
        upload.add(file.size)
        progress(upload.bytes)
      }
      let head = try commit(next, copies, writer, removed: state.removed)
      var tie = state.tie
      tie.head = head.manifest
      try note(tie, live: present().manifest)
      state.tie = tie
      state.uploaded = [:]
      state.removed = []
      return upload
    }
  }

  /// Whether a version is the bucket's newest, with nothing behind it that is no part of it.
  func has(_ version: Manifest, _ head: BucketManifest) -> Bool {
    head.version.isSame(as: version)
      && head.logFloor == known.writer?.logFloor(behind: version.lastSequence) ?? head.logFloor
  }

  /// Puts batches behind the newest version.
  func put(_ batches: [BucketLog.Batch]) throws(StoreError) {
    let writer = try connectedWriter()
    do throws(BucketError) { try writer.put(batches) } catch { throw refusal(error) }
  }

  /// Who may put anything there.
  func connectedWriter() throws(StoreError) -> BucketWriter {
    guard let writer = known.writer else {
      throw StoreError(
        .unavailable, "the store was opened without its bucket", file: objects.location)
    }
    guard !writer.isFenced else { throw refusal(.fenced) }
    return writer
  }

  /// Why something could not be done in the bucket. Whoever was taken over from writes nothing here either from
  /// then on, and notes that: what the bucket does not have stays as it is, and is no part of the store.
  func refusal(_ error: BucketError) -> StoreError {
    if known.writer?.isFenced ?? false, !fence.exchange(true, ordering: .relaxed) {
      try? noteFence()
    }
    return StoreError(error, at: objects.location)
  }

  private func noteFence() throws(StoreError) {
    try changeFiles { () throws(StoreError) in
      let file = TieFile(directory: directory)
      guard var tie = try file.read(), tie.state != .fenced else { return }
      tie.state = .fenced
      try file.write(tie)
    }
  }

  private func commit(
    _ version: Manifest, _ copies: [BucketObject], _ writer: BucketWriter, removed: Set<BucketFile>
  ) throws(StoreError) -> BucketHead {
    do throws(BucketError) { return try writer.commit(version, copies, removed: removed) } catch {
      throw refusal(error)
    }
  }

  private func put(
    _ file: LocalFile, of writer: BucketWriter
  ) throws(StoreError) -> BucketObject {
    let source = try FileContent(file, in: directory)
    let copy = BucketObject(
      epoch: writer.epoch, digest: try source.digest(), tailBytes: try source.tailBytes())
    let name = BucketLayout.file(BucketFile(file.kind, file.number, copy))
    do throws(ObjectStoreError) {
      let receipt = try objects.put(
        name, source.content(digest: copy.digest), if: .always, class: nil)
      writer.note(serverTime: receipt.serverTime)
    } catch {
      throw source.failure ?? StoreError(.request(error), at: objects.location)
    }
    return copy
  }
}
