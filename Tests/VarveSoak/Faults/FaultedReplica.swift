import Varve
import VarveSimulation
import VarveTestSupport

/// What a replica does, beside a bucket to which another machine writes.
///
/// ```
///   writer    | version 1 | ............... version 2 |
///   replica   |           | open, read everything     | refresh, read everything | again, nothing failing
/// ```
struct FaultedReplica: Sendable {
  typealias Content = CrashWorkload.Content
  typealias ReadMode = StoreOptions.ReadMode

  var name: String
  var store: FaultedStore
  /// Whether it is open when something fails, and there is a newer version.
  var refreshes: Bool

  static func all(_ store: FaultedStore) -> [FaultedReplica] {
    [
      FaultedReplica(name: "open a replica, forEach", store: store, refreshes: false),
      FaultedReplica(name: "refresh a replica, forEach", store: store, refreshes: true),
    ]
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
    if refreshes {
      opened = try machine.openReplica(failing.opening)
      try look(at: opened, versions)
      versions.append(try writeAnother(writer, failing.sound))
    }
    try failing.attempt(&outcome) {
      if let opened {
        guard try opened.refresh() else { throw Violation("the newer version was not seen") }
      } else {
        opened = try machine.openReplica(failing.opening)
      }
      try look(at: opened, versions.suffix(1))
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
