import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Power cuts while a bucket is taken from a store, and behind that: it has none, and all that there is.
///
/// ```
///   all in the bucket ──> brought back        one sync fails ──> brought again ──> detached
///                    ├──> replaced by a file  one sync fails ──────────────────> detached
///                    └──> replaced by a file ─ killed ─────────────────────────> detached
/// ```
///
/// What is seen then may not be durable, and without the bucket nothing leads to a copy.
enum DetachedBucket {
  private static let opening = CrashMachine.Opening()
  private static let keys = (0..<12).map { "twice \($0)" } + ["0", "1"]

  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    try failureAfterBringing(prepare) ?? failureAfterSeeing(prepare)
      ?? failureAfterReplacing(prepare)
      ?? failureAfterKills(prepare)
  }

  /// A machine whose files, two segments, all lie in the bucket.
  private static func cold() throws -> CrashMachine {
    let machine = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
    let store = try machine.open(opening)
    for round in 0..<2 {
      // Most of them twice, so that one file can take the place of both; some in one file only.
      for key in keys where key.hasPrefix("twice") || key.hasPrefix("\(round)") {
        try store.keyspace("default").put(key, [1], durability: .synced)
      }
      try store.flush()
    }
    try store.upload()
    try store.evict()
    try store.close()
    return machine
  }

  private static func failureAfterBringing(
    _ prepare: (SimulatedFileSystem) -> Void
  ) throws -> String? {
    try failureAfterFailedSyncs("brought back", prepare) {
      try $0.prefetch()
    } then: { machine in
      let store = try machine.open(opening)
      try store.prefetch()
      // What returned is here, whatever becomes of the bucket.
      let failure = failure(of: CrashMachine(machine.disk), mayBeTied: true)
      try store.close()
      return failure
    }
  }

  /// As far as it is seen all is here, and nobody asks for it again.
  private static func failureAfterSeeing(_ prepare: (SimulatedFileSystem) -> Void) throws -> String?
  {
    try failureAfterFailedSyncs("seen", prepare) {
      try $0.prefetch()
    }
  }

  private static func failureAfterReplacing(
    _ prepare: (SimulatedFileSystem) -> Void
  ) throws -> String? {
    try failureAfterFailedSyncs("replaced", prepare) {
      try $0.compact()
    }
  }

  /// - Parameter next: what is done before the store leaves its bucket; returns what is wrong then.
  private static func failureAfterFailedSyncs(
    _ what: String, _ prepare: (SimulatedFileSystem) -> Void, _ act: (SegmentStore) throws -> Void,
    then next: (CrashMachine) throws -> String? = { _ in nil }
  ) throws -> String? {
    let whole = try cold()
    var detached = 0
    for call in 1..<5 {
      for seed in 0..<4 as Range<UInt64> {
        let machine = whole.killImage(seed: seed)
        let store = try machine.open(opening)
        machine.disk.inject(Fault(.syncDirectory, "store", occurrence: call))
        try? act(store)
        try? store.close()
        guard machine.disk.struck != nil else { continue }
        machine.disk.clearFaults()
        prepare(machine.disk)
        let failure = try next(machine) ?? failure(detaching: machine, &detached)
        if let failure { return "\(what), sync \(call) failed, seed \(seed): \(failure)" }
      }
    }
    guard detached > 1 else { throw Violation("\(what): only \(detached) detached") }
    return nil
  }

  private static func failureAfterKills(_ prepare: (SimulatedFileSystem) -> Void) throws -> String?
  {
    let whole = try cold()
    var detached = 0
    for step in 1... {
      let dying = whole.killImage()
      dying.disk.crash(atStep: dying.disk.steps + step)
      let store = try? dying.open(opening)
      try? store?.compact()
      try? store?.close()
      guard dying.disk.hasCrashed else { break }
      let machine = dying.killImage()
      prepare(machine.disk)
      let failure = try failure(detaching: machine, &detached)
      if let failure { return "replaced, killed in call \(step): \(failure)" }
    }
    guard detached > 1 else { throw Violation("killed: only \(detached) detached") }
    return nil
  }
}

// MARK: - Leaving

extension DetachedBucket {
  /// Takes the bucket away, if the store lets it go.
  private static func failure(
    detaching machine: CrashMachine, _ detached: inout Int
  ) throws -> String? {
    let failures = Monitor<[String]>([])
    machine.disk.observeSteps { step in
      guard failures.withLock({ $0.isEmpty }) else { return }
      if let failure = failure(of: machine, mayBeTied: true) {
        failures.withLock { $0.append("a bucket that goes, before \(step), \(failure)") }
      }
    }
    do { try SegmentStore.detachBucket(ofStoreAt: "store", on: machine.disk) } catch {
      machine.disk.observeSteps(nil)
      // Something is in the bucket only.
      guard error.code == .invalid else { throw error }
      return failures.withLock { $0.first }
    }
    machine.disk.observeSteps(nil)
    detached += 1
    return failures.withLock { $0.first }
      ?? failure(of: machine, mayBeTied: false).map { "a detached bucket, \($0)" }
  }

  private static func failure(of machine: CrashMachine, mayBeTied: Bool) -> String? {
    for mode in CrashMode.allCases {
      let image = machine.crashImage(mode, seed: 1)
      let isTied = image.disk.contents().keys.contains { $0.hasSuffix("/bucket") }
      if isTied, !mayBeTied { return "\(mode): the store has it again" }
      do {
        let again = try (isTied ? image : CrashMachine(image.disk)).open(opening)
        let keyspace = try again.keyspace("default")
        for key in keys where try !keyspace.contains(key) { return "\(mode): \(key) is gone" }
        try again.close()
      } catch { return "\(mode): \(error)" }
    }
    return nil
  }
}
