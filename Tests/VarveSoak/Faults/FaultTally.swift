import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// What came of one run.
struct FaultOutcome: Sendable {
  /// The call that failed; nil where the operation makes no such call.
  var struck: HitCall?
  var failure: StoreError?
  /// Disks that were looked at as a power cut would leave them, and buckets by themselves.
  var images = 0
  /// What was wrong, nil where nothing was.
  var violation: String?

  init() {}

  /// What comes of `attempt` on a copy of the store's machine. It returns what the next opening may find,
  /// and no store that it opened is held when it has returned.
  init(
    on store: FaultedStore, _ mode: StoreOptions.ReadMode, _ fault: PlannedFault, seed: UInt64,
    _ attempt: (
      _ failing: FailingMachine, _ judge: inout FaultJudge, _ outcome: inout FaultOutcome
    ) throws -> [CrashWorkload.Content]
  ) {
    let machine = store.machine.killImage(seed: seed)
    machine.disk.setFailedSync(fault.kind.failedSync)
    let failing = FailingMachine(machine, store.opening, mode, fault)
    var judge = FaultJudge(store, on: machine, failing.sound, fault, seed: seed)
    do {
      let allowed = try attempt(failing, &judge, &self)
      try judge.end(allows: allowed)
    } catch {
      violation = "\(error)"
    }
    images = judge.images
  }
}

/// A machine on which something is going to fail.
struct FailingMachine {
  let machine: CrashMachine
  /// Opens a store on which it does, and one on which nothing does.
  let opening: CrashMachine.Opening
  let sound: CrashMachine.Opening
  private let kind: FaultKind
  private let injection: FaultInjection

  init(
    _ machine: CrashMachine, _ opening: CrashMachine.Opening, _ mode: StoreOptions.ReadMode,
    _ fault: PlannedFault
  ) {
    self.machine = machine
    kind = fault.kind
    let injection = FaultInjection(fault)
    var failing = opening
    failing.options.readMode = mode
    sound = failing
    failing.objectFaults = { injection.request($1, $2) }
    self.opening = failing
    self.injection = injection
  }

  /// Does it while something fails. An error that is not the store's, or tells something else than what failed, is
  /// a violation.
  func attempt(_ outcome: inout FaultOutcome, _ body: () throws -> Void) throws {
    injection.begin(on: machine)
    var violation: (any Error)?
    do { try body() } catch {
      outcome.failure = error as? StoreError
      if outcome.failure == nil { violation = error }
    }
    outcome.struck = injection.end(on: machine)
    if let violation { throw Violation("\(violation)") }
    if let failure = outcome.failure, !kind.codes.contains(failure.code) {
      throw Violation("it is said to be \(failure)")
    }
  }
}

/// What came of all runs of one operation.
struct FaultTally: Sendable {
  /// Calls of the file system that the operation makes, by the way of reading, and requests to its bucket.
  var calls: [String: Int] = [:]
  var runs = 0
  var errors = 0
  var images = 0
  var failures: [String] = []
  /// How often each kind hit each call of the file system, and of a bucket.
  var hits: [String: [FileSystemError.Operation: Int]] = [:]
  var requestHits: [String: [ObjectCall.Kind: Int]] = [:]

  mutating func add(_ outcome: FaultOutcome, of fault: PlannedFault, _ name: String) {
    images += outcome.images
    if let violation = outcome.violation {
      let place = outcome.struck.map { " (\($0))" } ?? ""
      failures.append("\(name), \(fault)\(place): \(violation)")
    }
    guard let struck = outcome.struck else {
      if let failure = outcome.failure {
        failures.append("\(name), \(fault): nothing was made to fail, and yet: \(failure)")
      }
      return
    }
    runs += 1
    if outcome.failure != nil { errors += 1 }
    switch struck {
    case .file(let call): hits[fault.kind.name, default: [:]][call.operation, default: 0] += 1
    case .object(let kind, _): requestHits[fault.kind.name, default: [:]][kind, default: 0] += 1
    }
  }

  mutating func add(_ other: FaultTally) {
    calls.merge(other.calls) { $0 + $1 }
    runs += other.runs
    errors += other.errors
    images += other.images
    failures += other.failures
    for (kind, hits) in other.hits {
      self.hits[kind, default: [:]].merge(hits, uniquingKeysWith: +)
    }
    for (kind, hits) in other.requestHits {
      requestHits[kind, default: [:]].merge(hits, uniquingKeysWith: +)
    }
  }

  /// A row of the table by operation.
  func row(_ name: String) -> JSON {
    .object([
      ("operation", .text(name)), ("calls, mapped", .number(calls["mapped"] ?? 0)),
      ("calls, buffered", .number(calls["buffered"] ?? 0)),
      ("requests", .number(calls["bucket"] ?? 0)), ("runs", .number(runs)),
      ("errors", .number(errors)), ("successes", .number(runs - errors)),
      ("images", .number(images)),
    ])
  }

  /// Rows of the table of kinds of failures and the calls that they hit.
  var kindRows: [JSON] {
    Self.rows(FaultKind.all, hits, of: FileSystemError.Operation.allCases)
  }

  /// The same for requests to a bucket.
  var requestRows: [JSON] {
    Self.rows(FaultKind.ofBuckets, requestHits, of: ObjectCall.Kind.allCases)
  }

  private static func rows<Call: Hashable & RawRepresentable<String>>(
    _ kinds: [FaultKind], _ hits: [String: [Call: Int]], of calls: [Call]
  ) -> [JSON] {
    let calls = calls.filter { call in hits.values.contains { $0[call] != nil } }
    return kinds.map { kind in
      let hits = hits[kind.name] ?? [:]
      return .object(
        [("kind", .text(kind.name))] + calls.map { ($0.rawValue, .number(hits[$0] ?? 0)) })
    }
  }
}
