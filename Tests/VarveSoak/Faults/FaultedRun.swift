import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// One operation on an open store, during which a call of the file system fails.
struct FaultedRun {
  typealias Content = CrashWorkload.Content

  let operation: FaultedOperation
  let store: FaultedStore
  let mode: StoreOptions.ReadMode
  let fault: PlannedFault
  let seed: UInt64

  func run() -> FaultOutcome {
    FaultOutcome(on: store, mode, fault, seed: seed, whileOpen)
  }

  /// Returns what the next opening may find.
  private func whileOpen(
    _ machine: SimulatedFileSystem, _ judge: inout FaultJudge, _ outcome: inout FaultOutcome
  ) throws -> [Content] {
    let opened = try CrashWorkload.open(machine, readMode: mode)
    let states = try prepare(opened)
    machine.inject(fault.fault)
    do { try operation.body(opened, states[0]) } catch {
      outcome.failure = error as? StoreError
      if outcome.failure == nil { outcome.violation = "\(error)" }
    }
    outcome.struck = machine.struck
    machine.clearFaults()
    if let violation = outcome.violation { throw Violation(violation) }

    let hasSucceeded = outcome.failure == nil
    let last = states.suffix(1)
    let uncertain = [store.content] + states
    let isCertain = hasSucceeded && operation.isDurable
    try judge.cutPower(seed: seed, allows: isCertain ? Array(last) : uncertain)
    let live = hasSucceeded ? Array(last) : states
    if operation.closes {
      try judge.close(opened)
      return judge.isReverted ? uncertain : live
    }
    return try judge.tryOn(opened, after: outcome.failure, shows: live, mayHold: uncertain)
  }

  /// Writes something that is not durable yet; returns what is there then, and after each step of the
  /// operation.
  private func prepare(_ opened: SegmentStore) throws -> [Content] {
    var states = [store.content]
    if !operation.isFirst {
      try opened.keyspace("default").put([1], [2], durability: .buffered)
      states[0]["default"]?[[1]] = [2]
    }
    for change in operation.changes {
      var next = states[states.count - 1]
      change(&next)
      states.append(next)
    }
    return states
  }
}
