package import Varve

/// A workload on its way: the store it works on, and what one act does to it.
package struct WorkloadRun {
  private let workload: CrashWorkload
  private let open: (_ hasBucket: Bool) throws -> SegmentStore
  package private(set) var store: SegmentStore
  /// The last snapshot.
  private var kept: KeptSnapshot?

  /// A snapshot showed something else than what was there when it was taken.
  package struct SnapshotChanged: Error {}

  /// Opens the store, by what every reopening uses as well; told whether the store's bucket answers, where it has
  /// one.
  package init(
    of workload: CrashWorkload, opening open: @escaping (_ hasBucket: Bool) throws -> SegmentStore
  ) throws {
    self.workload = workload
    self.open = open
    store = try open(true)
  }

  /// Performs one act; says whether everything so far is durable after it. One that failed may be
  /// performed again.
  package mutating func perform(_ index: Int) throws -> Bool {
    switch workload.acts[index] {
    case .makeKeyspace(let name): _ = try store.keyspace(name)
    case .dropKeyspace(let name):
      kept?.dropped.insert(name)
      try store.dropKeyspace(name)
    case .commit(let writes, let durability):
      try store.commit(try batch(of: writes), durability: durability)
      return durability != .buffered
    case .sync: try store.sync()
    case .flush: try store.flush()
    case .compact: try store.compact()
    case .upload: try store.upload()
    case .putLogs: try store.putLogs()
    // A version may name only what the bucket has: the rest stays.
    case .evict:
      try store.evict()
      return false
    case .prefetch:
      try store.prefetch()
      return false
    case .collect:
      try store.collectBucket(grace: 0)
      return false
    case .snapshot:
      try kept?.check(in: store)
      kept = KeptSnapshot(snapshot: try store.snapshot(), content: workload.states[index])
      return false
    case .rest:
      try store.rest()
      return false
    case .reopen: try reopen()
    case .commitApart(let writes): try commitApart(writes)
    }
    return true
  }

  private mutating func reopen(hasBucket: Bool = true) throws {
    // Nothing is read through a snapshot once its store is closed.
    kept = nil
    try store.close()
    store = try open(hasBucket)
  }

  private mutating func commitApart(_ writes: [(String, [UInt8], [UInt8]?)]) throws {
    do { try reopen(hasBucket: false) } catch let error as StoreError {
      // What must be read to open it may lie in the bucket.
      guard error.code == .unavailable else { throw error }
      store = try open(true)
    }
    try store.commit(try batch(of: writes))
    try store.flush()
    try reopen()
  }

  private func batch(of writes: [(String, [UInt8], [UInt8]?)]) throws -> WriteBatch {
    var batch = WriteBatch()
    for (name, key, value) in writes {
      let keyspace = try store.keyspace(name)
      if let value {
        batch.put(key, value, in: keyspace)
      } else {
        batch.delete(key, in: keyspace)
      }
    }
    return batch
  }
}

/// A snapshot with what was there when it was taken.
private struct KeptSnapshot {
  let snapshot: Snapshot
  let content: CrashWorkload.Content
  /// Dropped since. Made again under its old name, a keyspace is another one.
  var dropped: Set<String> = []

  func check(in store: SegmentStore) throws {
    for keyspace in store.keyspaces {
      var found: [[UInt8]: [UInt8]] = [:]
      try keyspace.forEach(at: snapshot) { found[[UInt8](copying: $0)] = [UInt8](copying: $1) }
      let expected = dropped.contains(keyspace.name) ? [:] : content[keyspace.name] ?? [:]
      guard found == expected else { throw WorkloadRun.SnapshotChanged() }
    }
  }
}
