import VarveFormat
import VarveObjects
package import VarvePlatform

extension SegmentStore {
  /// Puts everything that was written before the call into the bucket: flushes, puts the files that are
  /// not there, and commits a version that names them.
  ///
  /// Durable in the bucket when it returns; whoever opens the store from there finds all of it. Costs a
  /// request for each new file, and two for the version; and a listing for each thousand files: a copy that is gone
  /// there is put again. Returns what was put there.
  ///
  /// - Parameter progress: told how many bytes were put so far, after each file.
  /// - Throws: `.unavailable` where the bucket does not answer: what was put stays, so that the next call
  ///   goes on from there; `.fenced` where another machine has taken over; `.corrupted` where a copy is gone that
  ///   lies nowhere else, after the rest was put; `.invalid` without a bucket.
  @discardableResult
  public func upload(
    progress: (UInt64) -> Void = { _ in }
  ) throws(StoreError) -> BucketStatus.Amount { try engine.uploadNow(checks: true, progress) }

  /// Lets uploads, logs for the bucket, evictions and collections rest, as long as nobody asks for one, until
  /// ``resumeUploads()``; calls nest. A file that is being put is put to its end.
  public func pauseUploads() { engine.work.pauseUploads() }

  /// Ends one ``pauseUploads()``.
  public func resumeUploads() { engine.work.resumeUploads() }

  /// Lets sealed files leave this machine whose copies are in the bucket: all, or the oldest until at most `kept`
  /// bytes are left of them, and those that were written, or came back, more than `seconds` ago. They are read
  /// from the bucket from then on, block by block.
  ///
  /// What a search needs to find a block stays. Returns the bytes that went. A file whose copy is not there, or not of
  /// its size, stays, and is thrown as `.corrupted` when the others went: a request for each file, or a listing.
  @discardableResult
  public func evict(
    keeping kept: UInt64? = nil, olderThan seconds: Int? = nil
  ) throws(StoreError) -> UInt64 {
    try engine.evict(keeping: kept ?? (seconds == nil ? 0 : .max), olderThan: seconds)
  }

  /// Brings files back to this machine that lie only in the bucket, at most `most` bytes of them, each
  /// checked against its SHA-256. A copy that is missing or damaged keeps no other away, and is thrown in the end.
  /// Returns the bytes that came.
  ///
  /// - Parameter progress: told how many have come so far, after each file.
  @discardableResult
  public func prefetch(
    most: UInt64 = .max, progress: (UInt64) -> Void = { _ in }
  ) throws(StoreError) -> UInt64 { try engine.prefetch(most: most, progress) }

  /// Compares each file of the bucket's newest version, there and on this machine, with what it was when it was
  /// put there: missing, truncated and changed copies are told, and may be put right from the other copy.
  ///
  /// One request for each file, and its bytes where it is read. Reads and writes go on beside it. A file that is
  /// archived is not read.
  /// - Parameters:
  ///   - isDeep: reads every byte; else only sizes are compared.
  ///   - repairs: puts a good copy in the place of a damaged one.
  ///   - bytesPerSecond: how fast copies are read, about; nil: as fast as it goes.
  ///   - progress: told of what was found so far, after each file.
  /// - Throws: `.unavailable` where the bucket does not answer. Damage is no error, and in what is returned.
  public func scrubBucket(
    isDeep: Bool = true, repairs: Bool = false, bytesPerSecond: Int? = nil,
    progress: (BucketScrub) -> Void = { _ in }
  ) throws(StoreError) -> BucketScrub {
    try engine.scrubBucket(isDeep: isDeep, repairs: repairs, bytesPerSecond, progress)
  }

  /// What is where. Asks nothing of the bucket.
  public func bucketStatus() throws(StoreError) -> BucketStatus { try engine.bucketStatus() }

  /// Removes from the bucket what no version there needs any more, since `grace` seconds at least by the
  /// bucket's own clock, and no checkpoint keeps.
  ///
  /// The grace must be longer than readers on other machines take between two looks for the newest version. Shorter
  /// than an hour it may also take files away from one who goes back to an earlier version meanwhile
  /// (``BucketVersion/Name/number(_:)``), and relies on what no checkpoint keeps.
  /// - Parameter isDry: only tells what would be removed.
  @discardableResult
  public func collectBucket(
    grace: UInt64 = 3_600, isDry: Bool = false
  ) throws(StoreError) -> BucketCollection {
    try engine.collectBucket(grace: min(grace, 1 << 40) * 1_000, isDry: isDry)
  }

  /// Keeps the newest version in the bucket, with all its files, until ``removeCheckpoint(_:)``. Returns the
  /// version's number there.
  ///
  /// What was written since the last ``upload(progress:)`` is not in it.
  /// - Parameter name: made of `a-z`, `0-9`, `.`, `_` and `-`. Better not one that was removed a moment ago: a removal
  ///   whose answer was lost may still arrive, and would take the new one.
  /// - Throws: `.exists` where the name is taken; `.notFound` where nothing was put there yet, or a file of it is
  ///   not there.
  @discardableResult
  public func makeCheckpoint(_ name: String) throws(StoreError) -> UInt64 {
    try engine.checkpointBucket(name, isRemoval: false)
  }

  /// Lets the version go that a checkpoint keeps.
  ///
  /// - Throws: `.notFound` where there is none of the name.
  public func removeCheckpoint(_ name: String) throws(StoreError) {
    _ = try engine.checkpointBucket(name, isRemoval: true)
  }

  /// Where the bucket is of the store in the directory `path`; nil where it has none.
  public static func bucketLocation(ofStoreAt path: String) throws(StoreError) -> String? {
    try bucketLocation(ofStoreAt: path, on: PosixFileSystem())
  }

  /// The same on another file system.
  package static func bucketLocation(
    ofStoreAt path: String, on fileSystem: any FileSystem
  ) throws(StoreError) -> String? {
    try TieFile.read(ofStoreAt: path, on: fileSystem)?.location
  }

  /// Opens the store that is in the bucket of `options`, in a directory that has none: what a machine does
  /// that takes the place of a lost one. Whoever wrote to the bucket before is fenced.
  ///
  /// No file is fetched: they are cold, and read when they are needed. Interrupted, it can be called again.
  ///
  /// - Parameter version: which one to go on from; of an earlier one, what came after it, and what was put into logs
  ///   only, is no part of the store any more.
  /// - Throws: `.exists` where the directory holds a store; `.notFound` where the bucket holds none, or not that
  ///   version whole.
  public static func open(
    fromBucketTo path: String, options: StoreOptions, version: BucketVersion.Name = .newest
  ) throws(StoreError) -> SegmentStore {
    try open(fromBucketTo: path, options: options, version: version, components: .system)
  }

  /// The same on other parts of the world.
  package static func open(
    fromBucketTo path: String, options: StoreOptions, version: BucketVersion.Name = .newest,
    components: StoreComponents
  ) throws(StoreError) -> SegmentStore {
    guard let bucket = options.bucket else {
      throw StoreError(.invalid, "options: there is no bucket to open the store from")
    }
    // Before anybody is fenced.
    try options.check()
    guard options.access == .readWrite else {
      throw StoreError(.invalid, "options: to take a store over it must be opened for writing")
    }
    try StoreRestore(bucket: bucket, version: version, path: path, components: components).run()
    // Who takes over meanwhile has taken over.
    var claimed = options
    claimed.bucket?.takesOver = false
    claimed.createIfMissing = false
    return try open(at: path, options: claimed, components: components)
  }
}
