import VarveFormat
import VarvePlatform

// The way of a sealed file into the bucket and off this machine:
//
//   flush ──> version ──put, commit──> bucket ──evict──> cold: read from there
//
// One thread of its own does it, so that a slow bucket keeps nobody waiting but those who ask for it.

extension Engine {
  /// The bucket; throws where the store was opened without one.
  func requireBucket() throws(StoreError) -> BucketTier {
    if let bucket { return bucket }
    let why =
      replica != nil
      ? "a replica only reads its bucket"
      : options.access == .readOnly
        ? "the store was opened for reading only" : "the store was opened without a bucket"
    throw StoreError(.invalid, why, file: path)
  }

  /// Puts everything that was written before the call into the bucket.
  ///
  /// - Parameters:
  ///   - ordersValues: whether values are laid out in the order of their keys before.
  ///   - checks: whether what was put earlier is looked for, and put again where it is gone.
  @discardableResult
  func uploadNow(
    ordersValues: Bool = true, checks: Bool = false, _ progress: (UInt64) -> Void = { _ in }
  ) throws(StoreError) -> BucketStatus.Amount {
    let bucket = try requireBucket()
    // Where nothing can be put nothing is written for it either.
    _ = try bucket.connectedWriter()
    try flushAllNow()
    if ordersValues { try orderFreshValuesIfPossible() }
    let (done, last, lost) = try bucket.upload(checks: checks, { versions.current }, progress)
    backlog?.reach(last)
    if done.files > 0, isOpenNow { report(.uploaded(files: done.files, bytes: done.bytes)) }
    if let lost {
      let error = BucketTier.lost(lost)
      if checks { throw error }
      if isOpenNow { report(.backgroundFailure(error)) }
    }
    return done
  }

  /// What cannot be laid out goes there as it lies: what is there is safe, and makes room here.
  private func orderFreshValuesIfPossible() throws(StoreError) {
    do throws(StoreError) { try orderFreshValues() } catch {
      guard ![.closed, .poisoned, .fenced].contains(error.code) else { throw error }
      report(.backgroundFailure(error))
    }
  }

  /// Lets sealed files go whose copies are in the bucket, the oldest first, until at most `kept` bytes of
  /// them are left, and those that were written more than `seconds` ago. Returns how many bytes went.
  @discardableResult
  func evict(keeping kept: UInt64, olderThan seconds: Int? = nil) throws(StoreError) -> UInt64 {
    let bucket = try requireBucket()
    try checkWritable()
    let version = versions.current
    // Its files stay known until this is over.
    defer { withExtendedLifetime(version) {} }
    let now = clock.now()
    let age = seconds.map { UInt64(clamping: min($0, 1 << 40)) * 1_000 } ?? now
    let going = try bucket.filesToEvict(
      of: version, keeping: kept, writtenAfter: now - min(now, age))
    guard !going.isEmpty else { return 0 }
    try bucket.checkHead()
    let missing = Set(try bucket.missing(going).map(\.name))
    if !missing.isEmpty { bucket.doubtCopies(true) }
    let safe = going.filter { !missing.contains($0.name) }
    let gone = try bucket.changeFiles { () throws(StoreError) in try letGo(of: safe, bucket) }
    let bytes = gone.statedSum(\.size)
    if isOpenNow, !gone.isEmpty { report(.evicted(files: gone.count, bytes: bytes)) }
    if let name = missing.first {
      throw StoreError(
        .corrupted,
        "the copy in the bucket is missing or cut: an upload puts it again, and the file stays",
        file: name.description, structure: StoreError.wholeFile, offset: 0)
    }
    return bytes
  }

  /// Returns the files that went. Those are read from the bucket also where one after them could not go.
  private func letGo(
    of going: [LocalFile], _ bucket: BucketTier
  ) throws(StoreError) -> [LocalFile] {
    var gone: [LocalFile] = []
    defer { reopen(gone) }
    for file in going where try bucket.letGo(of: file) { gone.append(file) }
    return gone
  }
}

// MARK: - Looking after both sides

extension Engine {
  /// Brings cold files back to this machine, those with the highest numbers first, as long as no more than
  /// `most` bytes come. Returns how many did; throws what was wrong with the first copy that is not good when
  /// all others are here.
  func prefetch(most: UInt64, _ progress: (UInt64) -> Void) throws(StoreError) -> UInt64 {
    let bucket = try requireBucket()
    try checkWritable()
    let version = versions.current
    // What a compaction replaces meanwhile stays known until this is over.
    defer { withExtendedLifetime(version) {} }
    var flaw = try settleBrought(version.manifest, bucket)
    var bytes: UInt64 = 0
    for file in try bucket.coldFiles(of: version.manifest).sorted(by: { $0.number > $1.number })
    where file.size <= most - bytes {
      do throws(StoreError) {
        // Another may have brought it since.
        guard try bucket.bring(file, then: { reopen([file]) }) else { continue }
        bytes += file.size
        progress(bytes)
      } catch {
        guard [.corrupted, .archived].contains(error.code) else { throw error }
        flaw = flaw ?? error
      }
    }
    if let flaw { throw flaw }
    return bytes
  }

  /// Makes durable what came back earlier; returns what is wrong with a file for which that cannot be done.
  private func settleBrought(
    _ manifest: Manifest, _ bucket: BucketTier
  ) throws(StoreError) -> StoreError? {
    do throws(StoreError) {
      try bucket.settleBrought(manifest.bucketFiles, namedBy: bucket.known.head)
      return nil
    } catch {
      guard error.code == .corrupted else { throw error }
      return error
    }
  }

  func scrubBucket(
    isDeep: Bool, repairs: Bool, _ bytesPerSecond: Int?, _ progress: (BucketScrub) -> Void
  ) throws(StoreError) -> BucketScrub {
    let bucket = try requireBucket()
    try checkWritable()
    let version = versions.current
    defer { withExtendedLifetime(version) {} }
    let pacer = WritePacer(bytesPerSecond: bytesPerSecond, clock: clock, work: work)
    return try BucketScrubbing(
      tier: bucket, isDeep: isDeep, repairs: repairs,
      spend: { bytes throws(StoreError) in try pacer.spend(bytes) }, reopen: { self.reopen([$0]) }
    ).run(of: version, progress)
  }

  func bucketStatus() throws(StoreError) -> BucketStatus {
    if let bucket { return try bucket.status(of: versions.current) }
    if let replica { return replica.status }
    guard let status = try BucketStatus(of: directory, path) else {
      throw StoreError(.invalid, "the store has no bucket", file: path)
    }
    return status
  }

  func collectBucket(grace: UInt64, isDry: Bool) throws(StoreError) -> BucketCollection {
    let bucket = try requireBucket()
    return try bucket.collect(grace: grace, isDry: isDry)
  }

  func checkpointBucket(_ name: String, isRemoval: Bool) throws(StoreError) -> UInt64 {
    try requireBucket().checkpoint(name, isRemoval: isRemoval)
  }

  /// Reads files from where they are now. Who reads one from where it was goes on doing so.
  func reopen(_ files: [LocalFile]) {
    let numbers = Set(files.filter { $0.kind == .segment }.map(\.number))
    versions.reopen(numbers) { [views] version in views.update { $0.installing(version) } }
    let names = Set(files.map(\.name))
    values.store.reopen(
      versions.current.manifest.valueFiles.filter { names.contains(FileName(.values, $0.number)) })
    reclaim()
  }
}

// MARK: - In the background

extension Engine {
  /// Milliseconds between two looks whether there is something to put.
  private static let uploadLookMilliseconds: UInt64 = 1_000

  func uploadLoop() {
    guard let bucket, let interval = bucket.options.uploadInterval else { return }
    let start = clock.monotonicNanoseconds()
    var schedule = UploadSchedule(interval: UInt64(interval) * 1_000_000_000, now: start)
    var collected = start
    while !bucket.isFenced,
      !work.rest(until: clock.monotonicNanoseconds() + Self.uploadLookMilliseconds * 1_000_000)
    {
      let isSettled = work.isCompactionAtRest
      guard !work.isUploadPaused,
        schedule.isDue(at: clock.monotonicNanoseconds(), isSettled: isSettled)
      else { continue }
      // Each by itself: a bucket that takes nothing more still lets go what it has. Who has nothing to put asks
      // nothing.
      if hasNews(for: bucket) {
        attempt { () throws(StoreError) in try uploadNow() }
        attempt { () throws(StoreError) in try collectNow(and: &collected) }
      }
      attempt { () throws(StoreError) in try evictNow(bucket.options) }
      schedule.begin(at: clock.monotonicNanoseconds())
    }
  }

  private func evictNow(_ options: BucketOptions) throws(StoreError) {
    guard options.localBytes != nil || options.localSeconds != nil else { return }
    try evict(keeping: options.localBytes ?? .max, olderThan: options.localSeconds)
  }

  private func collectNow(and last: inout UInt64) throws(StoreError) {
    guard let interval = bucket?.options.collectInterval else { return }
    let now = clock.monotonicNanoseconds()
    guard now - last >= UInt64(interval) * 1_000_000_000 else { return }
    last = now
    _ = try collectBucket(grace: Self.collectGrace, isDry: false)
  }

  /// Milliseconds that readers on other machines have to look for a newer version.
  private static let collectGrace: UInt64 = 3_600_000

  /// Whether anything was written, or written again, since the newest version in the bucket.
  private func hasNews(for bucket: BucketTier) -> Bool {
    let view = views.pinned()
    guard view.active.table.isEmpty, view.frozen.isEmpty, let head = bucket.known.head,
      !bucket.doubtsCopies
    else {
      return true
    }
    return !bucket.has(view.version.manifest.forBucket, head)
  }
}
