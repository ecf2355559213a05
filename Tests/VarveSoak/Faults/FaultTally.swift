import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What came of one run.
struct FaultOutcome: Sendable {
  /// The call that failed; nil where the operation makes no such call.
  var struck: StruckCall?
  var failure: StoreError?
  /// Disks that were looked at as a power cut would leave them.
  var images = 0
  /// What was wrong, nil where nothing was.
  var violation: String?

  init() {}

  /// What comes of `attempt` on a copy of the store's machine. It returns what the next opening may find,
  /// and no store that it opened is held when it has returned.
  init(
    on store: FaultedStore, _ mode: StoreOptions.ReadMode, _ fault: PlannedFault, seed: UInt64,
    _ attempt: (
      _ machine: SimulatedFileSystem, _ judge: inout FaultJudge, _ outcome: inout FaultOutcome
    ) throws -> [CrashWorkload.Content]
  ) {
    let machine = store.machine.killImage(seed: seed)
    machine.setFailedSync(fault.kind.failedSync)
    var judge = FaultJudge(machine, mode, fault)
    do {
      let allowed = try attempt(machine, &judge, &self)
      try judge.end(allows: allowed)
    } catch {
      violation = "\(error)"
    }
    images = judge.images
  }
}

/// What came of all runs of one operation.
struct FaultTally: Sendable {
  /// Calls of the file system that the operation makes, by the way of reading.
  var calls: [String: Int] = [:]
  var runs = 0
  var errors = 0
  var images = 0
  var failures: [String] = []
  /// How often each kind hit each call.
  var hits: [String: [FileSystemError.Operation: Int]] = [:]

  mutating func add(_ outcome: FaultOutcome, of fault: PlannedFault, _ name: String) {
    images += outcome.images
    if let violation = outcome.violation {
      let place = outcome.struck.map { " (\($0))" } ?? ""
      failures.append("\(name), \(fault)\(place): \(violation)")
    }
    guard let struck = outcome.struck else { return }
    runs += 1
    if outcome.failure != nil { errors += 1 }
    hits[fault.kind.name, default: [:]][struck.operation, default: 0] += 1
  }

  mutating func add(_ other: FaultTally) {
    calls.merge(other.calls) { $0 + $1 }
    runs += other.runs
    errors += other.errors
    images += other.images
    failures += other.failures
    for (kind, hits) in other.hits { self.hits[kind, default: [:]].merge(hits) { $0 + $1 } }
  }

  /// A row of the table by operation.
  func row(_ name: String) -> JSON {
    .object([
      ("operation", .text(name)), ("calls, mapped", .number(calls["mapped"] ?? 0)),
      ("calls, buffered", .number(calls["buffered"] ?? 0)), ("runs", .number(runs)),
      ("errors", .number(errors)), ("successes", .number(runs - errors)),
      ("images", .number(images)),
    ])
  }

  /// Rows of the table of kinds of failures and the calls that they hit.
  var kindRows: [JSON] {
    let operations = FileSystemError.Operation.allCases.filter { operation in
      hits.values.contains { $0[operation] != nil }
    }
    return FaultKind.all.map { kind in
      let hits = hits[kind.name] ?? [:]
      return .object(
        [("kind", .text(kind.name))]
          + operations.map { ($0.rawValue, .number(hits[$0] ?? 0)) })
    }
  }
}
