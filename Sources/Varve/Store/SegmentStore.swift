import VarveFormat
import VarvePlatform

/// A durable, ordered, log-structured store in one directory.
///
/// Every write is durable when it returns, unless it asks for less; a crash at any moment loses
/// nothing that was acknowledged and invents nothing. One process writes, from any number of
/// threads. Nothing here runs on Swift's cooperative pool, and nothing needs tuning.
///
/// ```swift
/// let store = try SegmentStore.open(at: "catalog.varve")
/// let packages = try store.keyspace("packages")
/// try packages.put("bash", "GNU Bourne Again SHell")
/// let text = try packages.value(for: "bash")
/// try store.close()
/// ```
public final class SegmentStore: Sendable {
  let engine: Engine

  private init(_ engine: Engine) { self.engine = engine }

  deinit {
    // A store that is dropped unclosed is like one whose process ended: recovery finds it whole.
    engine.dissolve()
  }
}

// MARK: - Opening and closing

extension SegmentStore {
  /// Opens the store in the directory `path`, recovering what a crash left.
  ///
  /// Costs one directory listing, a look at each file, and the replay of what was not flushed.
  ///
  /// - Throws: `.locked` when another opener holds it; `.corrupted` with file and offset where
  ///   recovery would lose what was acknowledged; `.notFound` for a missing store that may not be
  ///   made; `.notEmpty` where it would be made among other files; `.incompatible`, `.invalid`.
  public static func open(
    at path: String, options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> SegmentStore {
    try open(at: path, options: options, components: .system)
  }

  /// Opens a store on other parts of the world: a simulated one.
  package static func open(
    at path: String, options: StoreOptions, components: StoreComponents
  ) throws(StoreError) -> SegmentStore {
    let role: StoreOpening.Role = options.access == .readWrite ? .writer : .reader
    return SegmentStore(try StoreOpening.open(at: path, options, components, as: role))
  }

  /// Opens a replica: see ``open(replicaAt:options:)``.
  package static func open(
    replicaAt path: String, options: StoreOptions, components: StoreComponents
  ) throws(StoreError) -> SegmentStore {
    var options = options
    options.access = .readOnly
    return SegmentStore(try StoreOpening.open(at: path, options, components, as: .replica))
  }

  /// Makes everything durable, ends background work and lets the directory go.
  ///
  /// Small recent writes stay in the log, whose exact length the manifest then names. Closing twice
  /// is harmless. Cursors and snapshots that still exist throw `.closed` from then on.
  ///
  /// - Throws: what kept it from making everything durable; `.poisoned` where writing had stopped before, in the
  ///   background perhaps, so that buffered writes may be lost. The directory is let go all the same.
  public func close() throws(StoreError) { try engine.close() }

  /// Where the store is.
  public var path: String { engine.path }
}

extension StoreComponents {
  /// The machine's own files, clock, random numbers and threads.
  static var system: StoreComponents {
    StoreComponents(
      fileSystem: PosixFileSystem(), clock: SystemClock(), random: SystemRandom(),
      background: .threads)
  }
}

// MARK: - Keyspaces

extension SegmentStore {
  /// The keyspace `name`; made with `policy`, durably, when it is missing. The policy of one that
  /// exists stays as it is.
  ///
  /// - Parameter name: 1 to 255 bytes of UTF-8. Names are told apart by their bytes: two that Unicode calls
  ///   equivalent are two names.
  public func keyspace(
    _ name: String, _ policy: KeyspacePolicy = .default
  ) throws(StoreError) -> Keyspace {
    try engine.keyspace(name, policy)
  }

  /// The keyspace `name`, nil where there is none.
  public func existingKeyspace(_ name: String) throws(StoreError) -> Keyspace? {
    try engine.checkOpen()
    return engine.catalog.keyspace(named: name)
  }

  /// All keyspaces, in the order of their names' bytes.
  public var keyspaces: [Keyspace] { engine.catalog.all }

  /// Removes a keyspace and all in it: at once for readers, in time from the disk. Costs one commit.
  ///
  /// - Throws: `.notFound` where there is none of that name.
  public func dropKeyspace(_ name: String) throws(StoreError) {
    try engine.dropKeyspace(name)
  }
}

// MARK: - Writing

extension SegmentStore {
  /// Writes all of `batch` or nothing: visible and durable together, across keyspaces. What was committed
  /// before is durable with it; an empty batch that is synced is a ``sync()``.
  ///
  /// - Throws: `.limit` and `.invalid` for a batch that cannot be taken; `.full` when there is no
  ///   room, nothing was written; `.poisoned` when it is unknown whether it will be there after
  ///   reopening.
  public func commit(
    _ batch: WriteBatch, durability: Durability = .synced
  ) throws(StoreError) {
    try engine.commit(batch, durability)
  }

  /// Makes all earlier writes as durable as asked, buffered ones included: on this machine, or in the bucket
  /// too. There is nothing to do for `.buffered`.
  public func sync(_ durability: Durability = .synced) throws(StoreError) {
    try engine.sync(durability)
  }
}

// MARK: - Snapshots

extension SegmentStore {
  /// A fixed view of all keyspaces, as of now. Cheap; what it can see is kept on disk until it is
  /// dropped.
  public func snapshot() throws(StoreError) -> Snapshot {
    try engine.checkOpen()
    return Snapshot(engine)
  }
}

// MARK: - Upkeep

extension SegmentStore {
  /// Moves all that was written before the call from memory and log into segments; what others write meanwhile is not
  /// waited for.
  public func flush() throws(StoreError) { try engine.flushAllNow() }

  /// Collects all garbage: overwritten, deleted and expired entries, and the values of large ones.
  ///
  /// Of what was written before the call: others may go on writing. Runs on the calling thread, and returns when it
  /// is done. Needs free space for a second copy of what it rewrites; see ``spaceNeededToCompact()``.
  public func compact() throws(StoreError) { try engine.compactAll() }

  /// Bytes of free space that ``compact()`` would need at most.
  public func spaceNeededToCompact() -> UInt64 { engine.spaceNeededToCompact }

  /// Lets compaction rest until ``resumeCompaction()``; calls nest. Flushes go on.
  public func pauseCompaction() { engine.work.pause() }

  /// Ends one ``pauseCompaction()``.
  public func resumeCompaction() { engine.resumeCompaction() }

  /// What the store holds and has done.
  public func metrics() -> StoreMetrics { engine.currentMetrics() }
}
