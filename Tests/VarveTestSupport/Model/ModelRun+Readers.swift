import Varve
import VarveSimulation

// The store opened for reading only, by any number while nobody writes.

extension ModelRun {
  /// Closes the store or ends its process, lets two readers show what is there, and goes on writing.
  mutating func openForReading(afterKill isKilled: Bool) throws {
    // Whoever writes is alone.
    let beside = try storeFailure { _ = try openReader() }
    guard beside?.code == .locked else { throw Difference("a reader opened beside a writer") }
    if isKilled {
      endProcess()
    } else {
      letGo()
      try opened.close()
      settle()
      holders = holders.map { _ in nil }
      store = nil
    }
    try lookAsReader(isClean: !isKilled)
    try open()
    // What was recovered, or closed, is durable.
    settle()
    try compareAll()
  }

  private mutating func lookAsReader(isClean: Bool) throws {
    clock.catchUp(with: model.now)
    let before = disk.fingerprint()
    try read { run in
      let (first, second) = (try run.openReader(), try run.openReader())
      run.store = first
      defer { run.store = nil }
      try run.findKeyspaces()
      try run.compareAll()
      try run.refuseWrites()
      try run.read { run in
        guard run.visible(run.model) == (try Self.content(of: second)) else {
          throw Difference("a second reader shows something else than the first")
        }
      }
      try first.close()
      try second.close()
    }
    holders = holders.map { _ in nil }
    guard isClean, disk.fingerprint() != before else { return }
    throw Difference("a reader changed the disk of a store that was closed")
  }

  /// With the bucket where the store is to be opened with it.
  private mutating func openReader() throws -> SegmentStore {
    var chosen = options.storeOptions
    if let side, side.isWanted { chosen = options.storeOptions(with: side.connect(), side) }
    chosen.access = .readOnly
    return try SegmentStore.open(
      at: path, options: chosen, components: components(fileSystem, clock))
  }

  private func refuseWrites() throws {
    let keyspace = try opened.keyspace(ModelOptions.names[0])
    let writes: [(String, (SegmentStore) throws -> Void)] = [
      ("put", { _ in try keyspace.put("of no account", "", durability: .buffered) }),
      ("delete", { _ in try keyspace.delete("of no account") }),
      ("batch", { try $0.commit(WriteBatch()) }), ("sync", { try $0.sync() }),
      ("flush", { try $0.flush() }), ("compact", { try $0.compact() }),
      ("make a keyspace", { _ = try $0.keyspace("of no account") }),
      ("drop a keyspace", { try $0.dropKeyspace(ModelOptions.names[1]) }),
    ]
    for (name, write) in writes { try expect(.readOnly, "\(name) of a reader", write) }
  }
}
