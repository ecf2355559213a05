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
    /// Nil where the bucket did not answer when the store was opened.
    var writer: BucketWriter?
    var tie: BucketTie
    /// What was put since the last commit.
    var uploaded: [FileName: BucketObject] = [:]
    /// Garbage that was removed, for the next commit to leave out.
    var removed: Set<BucketFile> = []
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

  private init(
    _ options: BucketOptions, _ directory: GuardedDirectory, _ tiered: TieredDirectory,
    _ random: any RandomSource, _ state: State
  ) {
    self.options = options
    cold = tiered.cold
    self.directory = directory
    self.tiered = tiered
    self.random = random
    self.state = Monitor(state)
  }

  private var objects: any ObjectStore { options.objects }

  /// The newest manifest that is known to be in the bucket.
  var head: BucketManifest? { state.withLock { $0.tie.head } }
}

// MARK: - Opening

extension BucketTier {
  /// Claims the store's bucket, or makes it where it is new.
  ///
  /// - Throws: `.fenced` where another machine wrote there last; `.unavailable` where the bucket does not
  ///   answer and the store may not be opened without.
  static func open(
    _ options: BucketOptions, _ tie: BucketTie?, in directory: GuardedDirectory,
    _ tiered: TieredDirectory, storeID: FileID, _ random: any RandomSource, _ clock: StoreClock
  ) throws(StoreError) -> BucketTier {
    let location = options.objects.location
    var known =
      tie ?? BucketTie(location: location, writers: [], head: nil, storeID: storeID)
    known.location = location
    let claim = BucketClaim(options.objects, random: random)
    do throws(BucketError) {
      if tie == nil { try claim.probe() }
    } catch {
      throw StoreError(error, at: location)
    }
    let id = claim.makeID()
    // Before the claim: one may arrive whose answer is lost, and it must be known as ours.
    // The first is the one that was confirmed last; of those that may have arrived the latest are kept.
    let before =
      known.writers.prefix(1) + known.writers.dropFirst().suffix(BucketTie.mostWriters - 2)
    known.writers = before + [id]
    try TieFile(directory: directory).write(known)
    let tier = BucketTier(
      options, directory, tiered, random, State(writer: nil, tie: known))
    do throws(BucketError) {
      let writer = try Self.claim(claim, id, Array(before), options, storeID, clock)
      known.writers = [id]
      try tier.adopt(writer, known)
    } catch {
      guard options.opensWithoutBucket, error.isTransient else {
        throw StoreError(error, at: location)
      }
    }
    return tier
  }

  private static func claim(
    _ claim: BucketClaim, _ id: FileID, _ before: [FileID], _ options: BucketOptions,
    _ storeID: FileID, _ clock: StoreClock
  ) throws(BucketError) -> BucketWriter {
    do throws(BucketError) {
      return try claim.run(
        as: id, of: storeID, after: options.takesOver ? .anybody : .oneOf(before))
    } catch {
      guard case .noStore = error else { throw error }
      return try claim.make(for: Manifest(storeID: storeID), created: clock.now(), as: id)
    }
  }

  private func adopt(_ writer: BucketWriter, _ tie: BucketTie) throws(BucketError) {
    var tie = tie
    // What is in the bucket may be newer than what was noted of it, and never older.
    tie.head = writer.head.manifest
    do throws(StoreError) { try TieFile(directory: directory).write(tie) } catch {
      throw .request(ObjectStoreError(.invalid, error.description))
    }
    state.withLock { [tie] state in
      state.writer = writer
      state.tie = tie
    }
    cold.add(writer.head.manifest)
  }
}

// MARK: - Uploading

extension BucketTier {
  /// Makes `version` the newest in the bucket. Its files stay on disk meanwhile: the version keeps them.
  func upload(_ version: Version) throws(StoreError) -> BucketStatus.Amount {
    try state.withLock { state throws(StoreError) in
      guard let writer = state.writer else { throw unavailable }
      let next = version.manifest.forBucket
      if let head = state.tie.head, head.version.isSame(as: next) { return .init() }
      var upload = BucketStatus.Amount()
      var known = state.tie.head?.objectsByName ?? [:]
      known.merge(state.uploaded) { $1 }
      var copies: [BucketObject] = []
      for file in next.bucketFiles {
        if let copy = known[file.name] {
          copies.append(copy)
          continue
        }
        let copy = try put(file, of: writer)
        state.uploaded[file.name] = copy
        copies.append(copy)
        upload.add(file.size)
      }
      try commit(next, copies, writer, &state)
      return upload
    }
  }

  private func commit(
    _ version: Manifest, _ copies: [BucketObject], _ writer: BucketWriter, _ state: inout State
  ) throws(StoreError) {
    let head: BucketHead
    do throws(BucketError) {
      head = try writer.commit(version, copies, removed: state.removed)
    } catch {
      throw StoreError(error, at: objects.location)
    }
    state.tie.head = head.manifest
    try TieFile(directory: directory).write(state.tie)
    state.uploaded = [:]
    state.removed = []
    cold.add(head.manifest)
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
      throw StoreError(.request(error), at: objects.location)
    }
    return copy
  }
}

/// A sealed file of a version.
struct LocalFile: Sendable {
  var kind: BucketFile.Kind
  var number: UInt64
  var size: UInt64

  var name: FileName { FileName(kind == .segment ? .segment : .values, number) }
}

extension Manifest {
  /// This version as a bucket has it: without logs, and without the values that only logs point to.
  var forBucket: Manifest {
    var version = self
    var needed: Set<UInt64> = []
    for segment in segments {
      for reference in segment.valueReferences { needed.insert(reference.file) }
    }
    version.valueFiles.removeAll { !needed.contains($0.number) }
    version.logs = []
    version.isCleanlyClosed = true
    return version
  }

  /// Whether both have the same files.
  func isSame(as other: Manifest) -> Bool {
    segments == other.segments && valueFiles == other.valueFiles
      && lastSequence == other.lastSequence
  }

  /// The files in the order in which a bucket's manifest names their copies.
  var bucketFiles: [LocalFile] {
    segments.map { LocalFile(kind: .segment, number: $0.number, size: $0.size) }
      + valueFiles.map { LocalFile(kind: .values, number: $0.number, size: $0.size) }
  }
}

extension BucketManifest {
  var objectsByName: [FileName: BucketObject] {
    Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.object) })
  }
}
