package import Varve
package import VarvePlatform
package import VarveSimulation

/// A fixed list of acts on a store, with the content that must be there after each.
///
/// ```
///   acts        put  batch  flush  put  compact  close+open ...
///   states   0   1     2      2     3      3        3            what a reader sees after each
///            |         |<--- a crash here may leave any of these --->|
///          durable (acknowledged as synced)                      invoked
/// ```
package struct CrashWorkload: Sendable {
  package typealias Content = [String: [[UInt8]: [UInt8]]]

  package enum Act: Sendable {
    case makeKeyspace(String)
    case dropKeyspace(String)
    /// Keyspace, key and value (nil deletes), all in one batch.
    case commit([(String, [UInt8], [UInt8]?)], Durability)
    case sync
    case flush
    case compact
    case reopen
  }

  package var acts: [Act] = []
  /// The content after so many acts.
  package private(set) var states: [Content] = [["default": [:]]]

  package init() {}

  package mutating func add(_ act: Act) {
    var content = states[states.count - 1]
    switch act {
    case .makeKeyspace(let name): content[name] = content[name] ?? [:]
    case .dropKeyspace(let name): content[name] = nil
    case .commit(let writes, _):
      for (keyspace, key, value) in writes { content[keyspace]?[key] = value }
    case .sync, .flush, .compact, .reopen: break
    }
    acts.append(act)
    states.append(content)
  }

  /// A varied list of about `count` acts: several keyspaces, batches across them, large values both
  /// inline and in value files, deletes, flushes, compactions, reopenings.
  package init(varied count: Int, seed: UInt64) {
    self.init()
    var random = SeededRandom(seed: seed)
    add(.makeKeyspace("a"))
    add(.makeKeyspace("b"))
    while acts.count < count {
      switch random.below(20) {
      case 0: add(.sync)
      case 1, 2: add(.flush)
      case 3: add(.compact)
      case 4: add(.reopen)
      case 5 where acts.count > count / 2:
        let exists = states[states.count - 1]["b"] != nil
        add(exists ? .dropKeyspace("b") : .makeKeyspace("b"))
      default: add(.commit(writes(&random), random.below(3) == 0 ? .buffered : .synced))
      }
    }
  }

  private func writes(_ random: inout SeededRandom) -> [(String, [UInt8], [UInt8]?)] {
    let keyspaces = states[states.count - 1].keys.sorted()
    let isLarge = random.below(8) == 0
    return (0..<1 + random.below(isLarge ? 30 : 6)).map { _ in
      let keyspace = keyspaces[random.below(keyspaces.count)]
      let key = Array("key-\(random.below(40))".utf8)
      if random.below(5) == 0 { return (keyspace, key, nil) }
      let count = isLarge ? 2_000 + random.below(3_000) : random.below(6) == 0 ? 1_200 : 40
      return (keyspace, key, random.bytes(count))
    }
  }
}

// MARK: - Running

extension CrashWorkload {
  /// Between which states a crash now must find the store.
  package struct Progress: Sendable {
    package var durable = 0
    package var invoked = 0

    package init() {}
  }

  /// Opens the store at `store` of a simulated machine.
  package static func open(_ system: SimulatedFileSystem) throws -> SegmentStore {
    try SegmentStore.open(
      at: "store", options: .small,
      components: StoreComponents(
        fileSystem: system, clock: SimulatedClock(), random: SimulatedRandom(seed: 7),
        background: .inline))
  }

  /// Runs every act, telling `progress` before and after each.
  package func run(on system: SimulatedFileSystem, progress: Monitor<Progress>) throws {
    var store = try Self.open(system)
    for (index, act) in acts.enumerated() {
      progress.withLock { $0.invoked = index + 1 }
      let isDurable = try perform(act, on: &store, system)
      if isDurable { progress.withLock { $0.durable = index + 1 } }
    }
    try store.close()
  }

  /// Performs one act; says whether everything so far is durable after it.
  private func perform(
    _ act: Act, on store: inout SegmentStore, _ system: SimulatedFileSystem
  ) throws -> Bool {
    switch act {
    case .makeKeyspace(let name): _ = try store.keyspace(name)
    case .dropKeyspace(let name): try store.dropKeyspace(name)
    case .commit(let writes, let durability):
      var batch = WriteBatch()
      for (name, key, value) in writes {
        let keyspace = try store.keyspace(name)
        if let value {
          batch.put(key, value, in: keyspace)
        } else {
          batch.delete(key, in: keyspace)
        }
      }
      try store.commit(batch, durability: durability)
      return durability == .synced
    case .sync: try store.sync()
    case .flush: try store.flush()
    case .compact: try store.compact()
    case .reopen:
      try store.close()
      store = try Self.open(system)
    }
    return true
  }
}

// MARK: - Judging

extension CrashWorkload {
  /// Everything a reader finds in the store.
  package static func content(of store: SegmentStore) throws -> Content {
    var content: Content = [:]
    for keyspace in store.keyspaces {
      var entries: [[UInt8]: [UInt8]] = [:]
      try keyspace.forEach { entries[[UInt8](copying: $0)] = [UInt8](copying: $1) }
      content[keyspace.name] = entries
    }
    return content
  }

  /// Opens what a crash left and says what is wrong with it; nil when all is well.
  ///
  /// The store must open, hold one of the states a crash may leave, take a write, and hold the same
  /// and that write after it was opened again.
  package func judge(_ image: SimulatedFileSystem, _ progress: Progress) -> String? {
    do {
      let store = try Self.open(image)
      var content = try Self.content(of: store)
      guard states[progress.durable...progress.invoked].contains(content) else {
        return "no state from \(progress.durable) to \(progress.invoked) holds what was found"
      }
      try store.keyspace("default").put("after the crash", "written")
      content["default"]?[Array("after the crash".utf8)] = Array("written".utf8)
      try store.close()
      let again = try Self.open(image)
      defer { try? again.close() }
      return try Self.content(of: again) == content ? nil : "the next opening found something else"
    } catch {
      return "\(error)"
    }
  }
}
