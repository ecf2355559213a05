import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// An opening, or a verification, during which a call of the file system fails.
struct FaultedOpening: Sendable {
  typealias Content = CrashWorkload.Content
  typealias ReadMode = StoreOptions.ReadMode

  var name: String
  var store: FaultedStore
  /// Whether every byte of the disk must stay as it is.
  var changesNothing = false
  /// Makes the attempt; returns the store, where one was opened.
  var attempt: @Sendable (SimulatedFileSystem, ReadMode) throws -> SegmentStore?

  static func all(seed: UInt64) throws -> [FaultedOpening] {
    let (closed, killed) = try (FaultedStore.closed(seed: seed), FaultedStore.killed(seed: seed))
    return [
      FaultedOpening(name: "make a store", store: .empty()) {
        try CrashWorkload.open($0, readMode: $1)
      },
      FaultedOpening(name: "open", store: closed) {
        try CrashWorkload.open($0, readMode: $1)
      },
      FaultedOpening(name: "open after a kill", store: killed) {
        try CrashWorkload.open($0, readMode: $1)
      },
      FaultedOpening(name: "open for reading", store: closed, changesNothing: true) {
        try CrashWorkload.open($0, readMode: $1, access: .readOnly)
      },
      FaultedOpening(name: "open for reading, after a kill", store: killed) {
        try CrashWorkload.open($0, readMode: $1, access: .readOnly)
      },
      verification("verify, fast", closed, .fast), verification("verify, deep", closed, .deep),
      verification("verify after a kill, deep", killed, .deep),
    ]
  }

  /// A verifier throws, or says that something is wrong, or looked at all that there is.
  private static func verification(
    _ name: String, _ store: FaultedStore, _ depth: IntegrityDepth
  ) -> FaultedOpening {
    FaultedOpening(name: name, store: store, changesNothing: true) { machine, _ in
      let whole = try StoreVerifier(at: "store", on: machine.killImage()).run(depth)
      guard whole.isSound else { throw Violation("the store was not sound before") }
      let report = try StoreVerifier(at: "store", on: machine).run(depth)
      if report.isSound, report != whole {
        throw Violation("called sound, though \(report) is not \(whole)")
      }
      return nil
    }
  }

  // MARK: - One run

  func run(_ mode: ReadMode, _ fault: PlannedFault, seed: UInt64) -> FaultOutcome {
    FaultOutcome(on: store, mode, fault, seed: seed) { machine, judge, outcome in
      try open(machine, mode, fault, seed, &judge, &outcome)
    }
  }

  /// Returns what the next opening may find.
  private func open(
    _ machine: SimulatedFileSystem, _ mode: ReadMode, _ fault: PlannedFault, _ seed: UInt64,
    _ judge: inout FaultJudge, _ outcome: inout FaultOutcome
  ) throws -> [Content] {
    let fingerprint = machine.fingerprint()
    machine.inject(fault.fault)
    var opened: SegmentStore?
    do { opened = try attempt(machine, mode) } catch {
      outcome.failure = error as? StoreError
      if outcome.failure == nil { outcome.violation = "\(error)" }
    }
    outcome.struck = machine.struck
    machine.clearFaults()
    if let violation = outcome.violation { throw Violation(violation) }
    if changesNothing, machine.fingerprint() != fingerprint {
      throw Violation("a byte of the disk was changed")
    }
    let isWriter = opened?.metrics() != nil && !isRefusing(opened)
    // A recovery that returned has made all durable that it found.
    try judge.cutPower(seed: seed, allows: isWriter ? [store.content] : store.durable)
    guard let opened else { return judge.isReverted ? store.durable : [store.content] }
    guard isWriter else { return try read(opened, judge) }
    return try judge.tryOn(
      opened, after: nil, shows: [store.content], mayHold: store.durable)
  }

  private func isRefusing(_ store: SegmentStore?) -> Bool {
    FaultJudge.failure { try store?.sync() }?.code == .readOnly
  }

  /// Reads and closes a store that was opened for nothing else.
  private func read(_ opened: SegmentStore, _ judge: FaultJudge) throws -> [Content] {
    guard try CrashWorkload.content(of: opened) == store.content else {
      throw Violation("a reader found something else")
    }
    try judge.close(opened)
    return [store.content]
  }
}
