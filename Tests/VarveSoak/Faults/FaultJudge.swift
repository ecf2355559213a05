import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Says whether a machine, on which something failed, still holds what it must.
///
/// ```
///   the failure │ power cut │ open store: read, write again, close │ open again, close │ power cut
///               └ images ───┴ promise 5 ───────────────────────────┴ whole, no leaks ──┴ durable
///      └ elsewhere: what the bucket leads to, where there is one ──┘
/// ```
struct FaultJudge {
  typealias Content = CrashWorkload.Content

  let machine: CrashMachine
  /// Opens the store again, whatever became of it; its bucket answers.
  let reopen: FaultedStore.Reopening
  let opening: CrashMachine.Opening
  /// Whether a failed sync reverted what the cache holds.
  let isReverted: Bool
  /// Whether the store may go on without its bucket.
  let mayBeApart: Bool
  /// Whether the store was damaged before, and is poisoned: nobody repairs it before the next opening.
  var isDamaged = false
  /// The call that failed.
  var struck: HitCall?
  /// Whether nothing failed but that.
  private let isOnce: Bool
  /// Tells runs apart, in which other things that take long are done.
  let turn: UInt64
  /// What the bucket may lead to by itself.
  var elsewhere = Elsewhere()
  var images = 0

  init(
    _ store: FaultedStore, on machine: CrashMachine, _ opening: CrashMachine.Opening,
    _ fault: PlannedFault, seed: UInt64
  ) {
    self.machine = machine
    self.opening = opening
    reopen = store.reopen
    mayBeApart = store.mayBeApart
    isOnce = fault.duration == .once
    turn = UInt64(fault.occurrence) &+ seed >> 1
    isReverted = fault.kind.failedSync == .revertsCache
  }

  // MARK: - What a power cut leaves

  /// Cuts the power of a copy now, in the plainest way and in one that varies.
  mutating func cutPower(seed: UInt64, allows allowed: [Content]) throws {
    let modes = CrashMode.allCases
    for crash in [CrashMode.durableOnly, modes[Int(seed % UInt64(modes.count))]] {
      try cutPower(crash, seed: seed, allows: allowed)
    }
  }

  private mutating func cutPower(
    _ crash: CrashMode = .durableOnly, seed: UInt64 = 0, allows allowed: [Content]
  ) throws {
    images += 1
    let image = machine.crashImage(crash, seed: seed)
    _ = try reopened(image, allowed, "after a power cut (\(crash))")
  }

  /// Opens, reads and closes what is on a machine.
  func reopened(
    _ machine: CrashMachine, _ allowed: [Content], _ moment: String,
    by reopen: FaultedStore.Reopening? = nil
  ) throws -> Content {
    let found: Content
    do {
      let store = try (reopen ?? self.reopen)(machine, opening)
      found = try CrashWorkload.content(of: store)
      try store.close()
    } catch {
      throw Violation("\(moment): \(error)")
    }
    guard allowed.contains(found) else { throw Violation("\(moment): something else is there") }
    try machine.checkLeaks(moment)
    return found
  }

  // MARK: - The store that is still open

  /// Reads everything, writes again, and closes. Returns what the next opening may find.
  mutating func tryOn(
    _ store: SegmentStore, after failure: StoreError?, shows live: [Content],
    mayHold uncertain: [Content]
  ) throws -> [Content] {
    let found = try content(of: store, "the open store")
    if let found, !live.contains(found) { throw Violation("the open store shows something else") }
    let steps = machine.disk.steps
    if let refusal = Self.failure(of: { try Self.write(to: store) }) {
      guard refusal.code == .poisoned else { throw Violation("writing again: \(refusal)") }
      if isOnce, !isDamaged, let struck, !struck.mayPoison {
        throw Violation("nothing is written any more, though all that failed was \(struck)")
      }
      try checkPoisoned(store, shows: found, since: steps)
      return isReverted ? uncertain : live
    }
    guard failure?.code != .poisoned else { throw Violation("a poisoned store took a write") }
    guard var written = found else { throw Violation("what cannot be read took a write") }
    written["default"]?[Self.key] = Self.key
    try cutPower(allows: [written])
    guard try content(of: store, "after another write") == written else {
      throw Violation("after another write the open store shows something else")
    }
    try putThere(store, written)
    try close(store)
    try cutPower(allows: [written])
    return [written]
  }

  /// Nothing can be written, nothing is; what was read is read again; and closing says so, though the store lets go.
  private func checkPoisoned(
    _ store: SegmentStore, shows found: Content?, since steps: Int
  ) throws {
    let writes: [(String, () throws -> Void)] = [
      ("put", { try Self.write(to: store) }),
      ("put large", { try store.keyspace("default").put(Self.key, Self.large) }),
      ("put, buffered", { try store.keyspace("default").put("k", "v", durability: .buffered) }),
      ("delete", { try store.keyspace("default").delete(Self.key) }),
      ("commit", { try store.commit(WriteBatch()) }),
      ("sync", { try store.sync() }), ("flush", { try store.flush() }),
      ("compact", { try store.compact() }),
      ("keyspace", { _ = try store.keyspace("after the failure") }),
    ]
    for (name, write) in writes {
      guard Self.failure(of: write)?.code == .poisoned else {
        throw Violation("\(name) does not say that the store is poisoned")
      }
    }
    guard try content(of: store, "the poisoned store") == found else {
      throw Violation("the poisoned store shows something else than before")
    }
    guard Self.failure(of: { try store.close() })?.code == .poisoned else {
      throw Violation("closing does not say that the store is poisoned")
    }
    guard machine.disk.steps == steps else { throw Violation("a poisoned store wrote") }
  }

  private static let key = Array("written after the failure".utf8)
  private static let large = [UInt8](repeating: 3, count: 5_000)

  private static func write(to store: SegmentStore) throws {
    try store.keyspace("default").put(key, key)
  }

  /// Nil where what a failed sync took back is said to be damaged, or what was before.
  private func content(of store: SegmentStore, _ moment: String) throws -> Content? {
    do {
      return try CrashWorkload.content(of: store)
    } catch let error as StoreError where (isReverted || isDamaged) && error.code == .corrupted {
      return nil
    } catch {
      throw Violation("\(moment) cannot be read: \(error)")
    }
  }

  func close(_ store: SegmentStore) throws {
    do { try store.close() } catch { throw Violation("closing afterwards: \(error)") }
  }

  /// The store's error; any other is no error that the interface may throw, but for the harness's own.
  static func failure(of body: () throws -> Void) -> StoreError? {
    do {
      try body()
      return nil
    } catch {
      return error as? StoreError
    }
  }

  // MARK: - The store that was let go

  /// Nothing is open any more; the next opening finds all, and makes it durable. In turns it only reads.
  mutating func end(allows allowed: [Content]) throws {
    try machine.checkLeaks("afterwards")
    let found =
      turn % 3 == 0
      ? try goOn(fromOneOf: allowed, "the next opening")
      : try reopened(machine, allowed, "the next opening")
    try cutPower(allows: [found])
    try endOfBucket(found)
    _ = try goOn(fromOneOf: [found], "the opening after that")
  }

  /// What is acknowledged from there on is built on names that are there. Returns what is there then.
  private mutating func goOn(fromOneOf allowed: [Content], _ moment: String) throws -> Content {
    var written: Content
    do {
      let store = try reopen(machine, opening)
      written = try CrashWorkload.content(of: store)
      guard allowed.contains(written) else { throw Violation("\(moment): something else is there") }
      written["default"]?[Self.key] = Self.key
      try Self.write(to: store)
      try cutPower(allows: [written])
      try store.close()
    } catch let error as StoreError {
      throw Violation("\(moment), going on: \(error)")
    }
    try machine.checkLeaks(moment)
    elsewhere.states.append(written)
    return written
  }
}
