import Varve
import VarveSimulation

// Upkeep, closing and opening again, and what comes after the end of the process or a power cut.

extension ModelRun {
  mutating func open() throws {
    clock.catchUp(with: model.now)
    store = try openStore()
    try findKeyspaces()
  }

  mutating func findKeyspaces() throws {
    let opened = try opened
    for (number, name) in ModelOptions.names.enumerated() {
      holders[number] = try opened.existingKeyspace(name).map { Holder(keyspace: $0) }
    }
  }

  mutating func makeDurable(_ operation: ModelOperation) throws {
    switch operation {
    case .flush: try opened.flush()
    case .compact:
      var isDone = false
      try read { run in
        try run.opened.compact()
        isDone = true
      }
      // What lies in the bucket was not to be had; how much else is durable now is not known.
      guard isDone else { return try compareAll() }
    default: try opened.sync()
    }
    settle()
    if operation == .sync { return }
    try compareAll()
    if operation == .compact { try checkNoGarbage() }
  }

  /// A full compaction leaves no entry that nobody can see.
  private func checkNoGarbage() throws {
    let metrics = try opened.metrics()
    guard snapshots.allSatisfy({ $0 == nil }), metrics.frozenMemTables == 0,
      metrics.memTableEntries == 0, options.background != .threads
    else { return }
    let live = metrics.levels.reduce(0) { $0 + $1.entries }
    // The record of each keyspace that was made, and the next number once one was dropped.
    let expected = holders.indices.reduce(ModelOptions.names.count) {
      $0 + model.entries(of: $1).count
    }
    if live > expected { throw Difference("\(live) entries on disk for \(expected)") }
  }

  /// Lets go of all that reads.
  mutating func letGo() {
    cursors = cursors.map { _ in nil }
    snapshots = snapshots.map { _ in nil }
  }

  mutating func reopen() throws {
    letGo()
    try opened.close()
    settle()
    store = nil
    try open()
    try compareAll()
  }

  /// Ends the process: all that was written is there when it starts again.
  mutating func kill() throws {
    endProcess()
    try open()
    settle()
    try compareAll()
  }
}

extension ModelRun {
  mutating func endProcess() {
    letGo()
    disk = disk.killImage(seed: UInt64(options.seed))
    plannedCut.map { disk.crash(atStep: $0.step) }
    holders = holders.map { _ in nil }
    store = nil
  }
}

// MARK: - Power cuts

extension ModelRun {
  mutating func planCut(after calls: Int, _ mode: CrashMode, _ seed: UInt64) throws {
    guard plannedCut == nil else { return }
    if place != nil { return try kill() }
    // How far other threads came is different in each run: then all there is is durable, and the power
    // goes now, whatever they are about.
    let isThreaded = options.background == .threads
    if isThreaded { try makeDurable(.sync) }
    let cut = PlannedCut(step: disk.steps + 1 + calls, mode: mode, seed: seed)
    plannedCut = cut
    if calls > 0, !isThreaded { disk.crash(atStep: cut.step) } else { disk.crash() }
  }

  /// Starts again after the power went, and finds out what is there.
  mutating func recover() throws {
    guard let cut = plannedCut else { throw Difference("the machine died by itself") }
    letGo()
    let image = disk.crashImage(cut.mode, seed: cut.seed)
    plannedCut = nil
    powerCuts += 1
    // What is there can only be found out where all of it can be read.
    side?.endOutage()
    if side?.isDetached == false { side?.isWanted = true }
    holders = holders.map { _ in nil }
    store = nil
    disk = image
    try open()
    model = try survivor(cut.mode)
    settle()
    try compareAll()
  }

  /// The content after one of the changes that may have survived.
  private mutating func survivor(_ mode: CrashMode) throws -> StoreModel {
    var candidate = durable
    candidate.now = model.now
    let found = try Self.content(of: opened)
    var last = found == visible(candidate) ? (candidate, 0) : nil
    for (index, change) in pending.enumerated() {
      candidate.apply(change)
      if found == visible(candidate) { last = (candidate, index + 1) }
    }
    guard let (last, count) = last else {
      throw Difference("after a power cut (\(mode)): none of \(pending.count + 1) contents")
    }
    side?.model.forget(pending.count - count)
    return last
  }

  func visible(_ model: StoreModel, at now: UInt64? = nil) -> [[StoreModel.Entry]?] {
    var model = model
    model.now = now ?? model.now
    return holders.indices.map { model.keyspaces[$0] == nil ? nil : model.entries(of: $0) }
  }

  /// All that a reader finds in a store, by keyspace.
  static func content(of store: SegmentStore) throws -> [[StoreModel.Entry]?] {
    try content(of: ModelOptions.names.map { try store.existingKeyspace($0) }, at: nil)
  }

  /// The same of keyspaces, now or at a snapshot.
  static func content(
    of keyspaces: [Keyspace?], at snapshot: Snapshot?
  ) throws -> [[StoreModel.Entry]?] {
    try keyspaces.map { keyspace in
      guard var cursor = try keyspace?.cursor(at: snapshot) else { return nil }
      var found: [StoreModel.Entry] = []
      while try cursor.next() {
        found.append(
          StoreModel.Entry(
            [UInt8](copying: cursor.key), [UInt8](copying: cursor.value),
            expiry: cursor.expiry ?? 0))
      }
      return found
    }
  }
}
