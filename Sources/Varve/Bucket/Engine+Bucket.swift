import VarveFormat
import VarvePlatform

// The way of a sealed file into the bucket and off this machine:
//
//   flush ──> version ──put, commit──> bucket ──evict──> cold: read from there
//
// One thread of its own does it, so that a slow bucket keeps nobody waiting but those who ask for it.

extension Engine {
  /// The bucket; throws where the store was opened without one.
  private func requireBucket() throws(StoreError) -> BucketTier {
    guard let bucket else {
      throw StoreError(.invalid, "the store was opened without a bucket", file: path)
    }
    return bucket
  }

  /// Puts everything that was written before the call into the bucket.
  @discardableResult
  func uploadNow() throws(StoreError) -> BucketStatus.Amount {
    let bucket = try requireBucket()
    try flushAllNow()
    let done = try bucket.upload(versions.current)
    if done.files > 0 { report(.uploaded(files: done.files, bytes: done.bytes)) }
    return done
  }

  /// Lets sealed files go whose copies are in the bucket, the oldest first, until at most `kept` bytes of
  /// them are left. Returns how many bytes went.
  @discardableResult
  func evict(keeping kept: UInt64) throws(StoreError) -> UInt64 {
    let bucket = try requireBucket()
    try checkWritable()
    let going = try bucket.filesToEvict(of: versions.current, keeping: kept)
    guard !going.isEmpty else { return 0 }
    try bucket.keepEnds(of: going)
    try bucket.removeLocal(going)
    try reopen(going)
    let bytes = going.reduce(0) { $0 + $1.size }
    report(.evicted(files: going.count, bytes: bytes))
    return bytes
  }
}

// MARK: - Looking after both sides

extension Engine {
  /// Brings cold files back to this machine, those with the highest numbers first, as long as no more than
  /// `most` bytes come. Returns how many did.
  func prefetch(most: UInt64, _ progress: (UInt64) -> Void) throws(StoreError) -> UInt64 {
    let bucket = try requireBucket()
    try checkWritable()
    var fetched: [LocalFile] = []
    var bytes: UInt64 = 0
    for file in try bucket.coldFiles(of: versions.current).sorted(by: { $0.number > $1.number })
    where file.size <= most - bytes {
      try bucket.fetch(file)
      fetched.append(file)
      bytes += file.size
      progress(bytes)
    }
    if !fetched.isEmpty { try reopen(fetched) }
    return bytes
  }

  func bucketStatus() throws(StoreError) -> BucketStatus {
    try requireBucket().status(of: versions.current)
  }

  func collectBucket(grace: UInt64, isDry: Bool) throws(StoreError) -> BucketCollection {
    let bucket = try requireBucket()
    return try bucket.collect(grace: grace, isDry: isDry)
  }

  func checkpointBucket(_ name: String, isRemoval: Bool) throws(StoreError) -> UInt64 {
    try requireBucket().checkpoint(name, isRemoval: isRemoval)
  }

  /// Reads files from where they are now. Who reads one from where it was goes on doing so.
  private func reopen(_ files: [LocalFile]) throws(StoreError) {
    var edit = VersionEdit()
    edit.reopenedSegments = Set(files.filter { $0.kind == .segment }.map(\.number))
    try versions.commit(edit) { [views] version in views.update { $0.installing(version) } }
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
    var due = clock.monotonicNanoseconds() + UInt64(max(0, interval)) * 1_000_000_000
    while !work.rest(until: clock.monotonicNanoseconds() + Self.uploadLookMilliseconds * 1_000_000)
    {
      guard clock.monotonicNanoseconds() >= due else { continue }
      attempt { () throws(StoreError) in
        if hasNews(for: bucket) { try uploadNow() }
        if let kept = bucket.options.localBytes { try evict(keeping: kept) }
      }
      due = clock.monotonicNanoseconds() + UInt64(max(0, interval)) * 1_000_000_000
    }
  }

  /// Whether anything was written, or written again, since the newest version in the bucket.
  private func hasNews(for bucket: BucketTier) -> Bool {
    let view = views.pinned()
    guard view.active.table.isEmpty, view.frozen.isEmpty, let head = bucket.head else {
      return true
    }
    return !head.version.isSame(as: view.version.manifest.forBucket)
  }
}
