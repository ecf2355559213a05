import Synchronization
import VarveFormat
import VarveObjects
import VarvePlatform

// How a replica comes from one version to the next: files first, then the list of keyspaces is read, which may
// fail, then what is visible, then the view. Whoever reads has the view of one version, whole.

extension Engine {
  /// Shows the newest version in the bucket. False where it is shown already.
  func refresh() throws(StoreError) -> Bool {
    try checkOpen()
    guard let replica else {
      throw StoreError(.invalid, "the store is no replica", file: path)
    }
    let isNewer = try replica.shown.withLock { shown throws(StoreError) in
      let next: BucketManifest?
      do throws(BucketError) { next = try replica.newer(than: &shown) } catch {
        throw StoreError(error, at: replica.objects.location)
      }
      if let next {
        do throws(StoreError) { try show(next, after: &shown, of: replica) } catch {
          // What was given up goes before it may be added again.
          reclaim()
          throw error
        }
        shown.manifest = next
      }
      return next != nil
    }
    reclaim()
    return isNewer
  }

  private func show(
    _ next: BucketManifest, after shown: inout Replica.Shown, of replica: Replica
  ) throws(StoreError) {
    try checkNames(of: next, after: &shown)
    replica.known.withLock { $0.next = next }
    let following = following(next, after: shown.manifest, of: replica)
    let list: [Keyspace]
    do throws(StoreError) { list = try keyspaces(of: following.version) } catch {
      // What was shown still is.
      replica.known.withLock { $0.next = nil }
      versions.abandon(following)
      throw error
    }
    // Before the view: nobody may read a version at a point from which it has dropped something, nor through a
    // keyspace whose number is another's in it.
    visibleSequence.store(next.version.lastSequence.rawValue, ordering: .releasing)
    replica.known.withLock { known in
      for keyspace in keyspaces(missingFrom: list) { keyspace.markDropped(at: visible) }
      versions.follow(following) { version in views.update { $0.installing(version) } }
      follow(list)
      known = Replica.Known(latest: next)
    }
  }

  /// The view of the version that is shown, and the names of its keyspaces, by number.
  func shown(by replica: Replica) -> (view: ReadView, names: [UInt32: KeyspaceName]) {
    replica.known.withLock { _ in (views.pinned(), catalog.names) }
  }

  /// The next version, whose files can be read from here on, and which nobody sees yet.
  private func following(
    _ next: BucketManifest, after shown: BucketManifest, of replica: Replica
  ) -> VersionSet.Following {
    let moved = moved(next, from: shown, of: replica)
    let known = Set(versions.current.manifest.valueFiles.map(\.number))
    let files = next.version.valueFiles.filter { !known.contains($0.number) }.map {
      ValueFileHandle(number: $0.number, obsoleteFiles: obsoleteFiles)
    }
    let following = versions.following(
      next.version, files, moved: Set(moved.filter { $0.kind == .segment }.map(\.number)))
    // Its files have begun to live: none of them goes from here on, also where a version from before had it.
    obsoleteFiles.settle()
    replica.cold.add(next, among: next.version)
    values.store.add(next.version.valueFiles)
    let names = Set(moved.map(\.name))
    let records = next.version.valueFiles.filter { names.contains(FileName(.values, $0.number)) }
    if !records.isEmpty { values.store.reopen(records) }
    return following
  }

  /// The files whose copies were put again and lie elsewhere: the old ones may be gone. What is open of a file was
  /// opened where it lay in the version that is shown, or in one that somebody still reads, or that failed.
  private func moved(
    _ next: BucketManifest, from shown: BucketManifest, of replica: Replica
  ) -> [BucketFile] {
    let (files, before) = (next.files, Set(shown.files))
    let known = Set(shown.files.map(\.name))
    let moved = Set(replica.cold.moved(files))
    return files.filter { known.contains($0.name) && !before.contains($0) || moved.contains($0) }
  }

  /// Where a store was taken over by force two files may have one number, of which only one can be kept here.
  private func checkNames(
    of next: BucketManifest, after shown: inout Replica.Shown
  ) throws(StoreError) {
    let files = next.version.bucketFiles
    guard files.allSatisfy({ shown.files[$0.number] ?? $0.key == $0.key }),
      next.version.lastSequence >= shown.manifest.version.lastSequence
    else {
      throw StoreError(
        .snapshotTooOld,
        "the store in the bucket was replaced by an earlier one: open the replica again", file: path
      )
    }
    for file in files { shown.files[file.number] = file.key }
  }

  func startFollowing() throws(StoreError) {
    guard background == .threads, options.bucket?.refreshInterval != nil else { return }
    try work.start("varve-follow") { [self] in followLoop() }
  }

  private func followLoop() {
    guard let interval = options.bucket?.refreshInterval else { return }
    let nanoseconds = UInt64(interval) * 1_000_000_000
    while !work.rest(until: clock.monotonicNanoseconds() + nanoseconds) {
      attempt { () throws(StoreError) in _ = try refresh() }
    }
  }
}

extension SegmentStore {
  /// Opens a replica: reads the store in the bucket of `options`, which another machine writes and which goes
  /// on writing. Any number of machines may.
  ///
  /// Shows the newest version there and moves on to later ones every ``BucketOptions/refreshInterval``
  /// seconds; what the writer has not put into a version yet is not seen, its logs neither. Blocks are fetched
  /// when they are read. Snapshots and cursors keep their version; when the writer's collector has removed its
  /// files they throw `.snapshotTooOld`.
  ///
  /// - Parameter path: a directory of its own for what is kept here of the bucket; made where it is missing.
  /// - Throws: `.notFound` where the bucket holds no store; `.unavailable`; `.exists` where the directory is a
  ///   store's; `.locked` where another replica has it.
  public static func open(
    replicaAt path: String, options: StoreOptions
  ) throws(StoreError) -> SegmentStore {
    try open(replicaAt: path, options: options, components: .system)
  }

  /// Has a replica show the newest version in the bucket, now; false where it did already. One small request,
  /// and three where there is a newer one.
  ///
  /// - Throws: `.unavailable` where the bucket does not answer, `.corrupted` where the newest version lacks
  ///   files: what was shown still is; `.invalid` where the store is no replica.
  @discardableResult
  public func refresh() throws(StoreError) -> Bool { try engine.refresh() }
}
