import Varve
import VarveSimulation
import VarveTestSupport

/// What a replica does, beside a bucket to which another machine writes.
///
/// ```
///   writer    | version 1 | ....................... version 2 |
///   replica   |           | open, read in one of the ways     | refresh, read | again, nothing failing
/// ```
struct FaultedReplica: Sendable {
  typealias Content = CrashWorkload.Content
  typealias ReadMode = StoreOptions.ReadMode

  /// During what something fails.
  enum Act: Sendable {
    case opening
    /// To a version that is newer.
    case refreshing
    case reading(FaultedOperation)
    /// After it has gone on to a newer version.
    case readingSnapshot
  }

  var name: String
  var store: FaultedStore
  var act: Act

  static func all(_ store: FaultedStore) -> [FaultedReplica] {
    [
      FaultedReplica(name: "open a replica, forEach", store: store, act: .opening),
      FaultedReplica(name: "refresh a replica, forEach", store: store, act: .refreshing),
      FaultedReplica(
        name: "a replica's snapshot of an earlier version", store: store, act: .readingSnapshot),
    ]
      + FaultedOperation.coldReads.map {
        FaultedReplica(name: "a replica: \($0.name)", store: store, act: .reading($0))
      }
  }

  func run(_ mode: ReadMode, _ fault: PlannedFault, seed: UInt64) -> FaultOutcome {
    var outcome = FaultOutcome()
    let writer = store.machine.killImage(seed: seed)
    let machine = writer.neighbour()
    machine.disk.setFailedSync(fault.kind.failedSync)
    let failing = FailingMachine(machine, store.opening, mode, fault)
    do { try run(failing, beside: writer, seed, &outcome) } catch { outcome.violation = "\(error)" }
    return outcome
  }

  private func run(
    _ failing: FailingMachine, beside writer: CrashMachine, _ seed: UInt64,
    _ outcome: inout FaultOutcome
  ) throws {
    let machine = failing.machine
    var versions = [store.version]
    var opened: SegmentStore?
    switch act {
    case .opening:
      try failing.attempt(&outcome) {
        opened = try machine.openReplica(failing.opening)
        try look(at: opened, versions)
      }
    case .refreshing:
      let replica = try machine.openReplica(failing.opening)
      opened = replica
      try look(at: replica, versions)
      versions.append(try writeAnother(writer, failing.sound))
      try failing.attempt(&outcome) {
        guard try replica.refresh() else { throw Violation("the newer version was not seen") }
        try look(at: replica, versions.suffix(1))
      }
    case .reading(let read):
      let replica = try machine.openReplica(failing.opening)
      opened = replica
      try failing.attempt(&outcome) { try read.body(replica, store.version) }
    case .readingSnapshot:
      let replica = try machine.openReplica(failing.opening)
      opened = replica
      let snapshot = try replica.snapshot()
      let keyspaces = replica.keyspaces
      versions.append(try writeAnother(writer, failing.sound))
      try replica.refresh()
      try failing.attempt(&outcome) { try look(at: keyspaces, snapshot) }
    }
    let modes = CrashMode.allCases
    let image = machine.crashImage(modes[Int(seed % UInt64(modes.count))], seed: seed)
    try reopen(image, failing.sound, versions.suffix(1), "after a power cut")
    outcome.images += 1
    if let opened { try tryOn(opened, versions) }
    opened = nil
    try machine.checkLeaks("afterwards")
    try reopen(machine, failing.sound, versions.suffix(1), "the next opening")
  }

  /// Nothing fails any more: what is shown is one of the versions, and then the newest.
  private func tryOn(_ replica: SegmentStore, _ versions: [Content]) throws {
    try look(at: replica, versions)
    do { try replica.refresh() } catch { throw Violation("refreshing afterwards: \(error)") }
    try look(at: replica, versions.suffix(1))
    do { try replica.close() } catch { throw Violation("closing afterwards: \(error)") }
  }

  /// The other machine writes and puts a version there; returns what it holds.
  private func writeAnother(
    _ writer: CrashMachine, _ opening: CrashMachine.Opening
  ) throws -> Content {
    var opening = opening
    opening.options.readMode = .mapped
    let store = try writer.open(opening)
    try store.keyspace("plain").put("key 3", "newer")
    try store.keyspace("new").put("key", "in a keyspace that the replica does not know")
    try store.compact()
    try store.upload()
    defer { try? store.close() }
    return try CrashWorkload.content(of: store)
  }

  private func look(at keyspaces: [Keyspace], _ snapshot: Snapshot) throws {
    guard keyspaces.map(\.name) == store.version.keys.sorted() else {
      throw Violation("the snapshot's version has other keyspaces")
    }
    for (keyspace, (_, entries)) in zip(keyspaces, store.version.inOrder) {
      let wanted = entries.map { KeyValue($0.key, $0.value) }
      guard try keyspace.entries(at: snapshot) == wanted else {
        throw Violation("the snapshot shows something else than its version")
      }
    }
  }

  private func look(at replica: SegmentStore?, _ allowed: [Content]) throws {
    guard let replica else { return }
    guard allowed.contains(try CrashWorkload.content(of: replica)) else {
      throw Violation("the replica shows none of \(allowed.count) versions")
    }
  }

  private func look(at replica: SegmentStore?, _ allowed: ArraySlice<Content>) throws {
    try look(at: replica, Array(allowed))
  }

  private func reopen(
    _ machine: CrashMachine, _ opening: CrashMachine.Opening, _ allowed: ArraySlice<Content>,
    _ moment: String
  ) throws {
    do {
      let replica = try machine.openReplica(opening)
      try look(at: replica, allowed)
      try replica.close()
    } catch { throw Violation("\(moment): \(error)") }
    try machine.checkLeaks(moment)
  }
}
