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
    _ failing: FailingMachine, _ judge: inout FaultJudge, _ outcome: inout FaultOutcome
  ) throws -> [Content] {
    var opening = failing.opening
    opening.putsLogs = operation.putsLogs
    let opened = try failing.machine.open(opening)
    let states = try prepare(opened)
    try failing.attempt(&outcome) { try operation.body(opened, states[0]) }
    judge.struck = outcome.struck

    let hasSucceeded = outcome.failure == nil
    let last = states.suffix(1)
    let uncertain = [store.content] + states
    let isCertain = hasSucceeded && operation.isDurable
    try judge.cutPower(seed: seed, allows: isCertain ? Array(last) : uncertain)
    if let mend = operation.mend {
      judge.isDamaged = FaultJudge.failure(of: { try opened.sync() })?.code == .poisoned
      if !judge.isDamaged { try mend(opened) }
    }
    lookOut(&judge, uncertain, isCertain && operation.isRemote ? Array(last) : nil)
    if !judge.isDamaged { try judge.checkElsewhere("after it") }
    if hasSucceeded { try operation.check?(failing.machine, failing.sound, opened) }
    let live = hasSucceeded ? Array(last) : states
    if operation.closes {
      try judge.close(opened)
      return judge.isReverted ? uncertain : live
    }
    return try judge.tryOn(opened, after: outcome.failure, shows: live, mayHold: uncertain)
  }

  /// Says what the bucket may lead to now: `confirmed`, where that is certain.
  private func lookOut(
    _ judge: inout FaultJudge, _ uncertain: [Content], _ confirmed: [Content]?
  ) {
    judge.elsewhere = store.elsewhere
    if operation.letsGo == store.elsewhere.checkpoint?.name { judge.elsewhere.checkpoint = nil }
    judge.elsewhere.states = confirmed ?? store.elsewhere.states + uncertain
  }

  /// Writes something that is not durable yet; returns what is there then, and after each step of the
  /// operation.
  private func prepare(_ opened: SegmentStore) throws -> [Content] {
    var states = [store.content]
    try operation.before?(opened)
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
