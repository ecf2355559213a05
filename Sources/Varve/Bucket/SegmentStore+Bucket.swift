import VarveFormat
import VarveObjects

extension SegmentStore {
  /// Puts everything that was written before the call into the bucket: flushes, puts the files that are
  /// not there, and commits a version that names them.
  ///
  /// Durable in the bucket when it returns; whoever opens the store from there finds all of it. Costs a
  /// request for each new file, and two for the version.
  ///
  /// - Throws: `.unavailable` where the bucket does not answer: what was put stays, so that the next call
  ///   goes on from there; `.fenced` where another machine has taken over; `.invalid` without a bucket.
  public func upload() throws(StoreError) { try engine.uploadNow() }

  /// Lets sealed files leave this machine whose copies are in the bucket, the oldest first, until at most
  /// `kept` bytes are left of them. They are read from the bucket from then on, block by block.
  ///
  /// What a search needs to find a block stays. Returns the bytes that went.
  @discardableResult
  public func evict(keeping kept: UInt64 = 0) throws(StoreError) -> UInt64 {
    try engine.evict(keeping: kept)
  }

  /// Opens the store that is in the bucket of `options`, in a directory that has none: what a machine does
  /// that takes the place of a lost one. Whoever wrote to the bucket before is fenced.
  ///
  /// No file is fetched: they are cold, and read when they are needed. Interrupted, it can be called again.
  ///
  /// - Throws: `.exists` where the directory holds a store; `.notFound` where the bucket holds none.
  public static func open(
    fromBucketTo path: String, options: StoreOptions
  ) throws(StoreError) -> SegmentStore {
    try open(fromBucketTo: path, options: options, components: .system)
  }

  /// The same on other parts of the world.
  package static func open(
    fromBucketTo path: String, options: StoreOptions, components: StoreComponents
  ) throws(StoreError) -> SegmentStore {
    guard let bucket = options.bucket else {
      throw StoreError(.invalid, "options: there is no bucket to open the store from")
    }
    try StoreRestore(bucket: bucket, path: path, components: components).run()
    var options = options
    options.bucket?.takesOver = true
    return try open(at: path, options: options, components: components)
  }
}
