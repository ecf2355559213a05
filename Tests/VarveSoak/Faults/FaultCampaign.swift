import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// The first, second, third ... call of the file system fails, in each operation of the interface; and, of a store
/// with a bucket, the first, second, third ... request.
///
/// ```
///   for each operation, in each way of reading, for each kind of failure, once or for good:
///     call 1 fails, call 2 fails ... until the operation makes no such call
///   each: an error, or all of the work; what is read is right, also after a power cut; the store takes
///   writes or refuses them all; it closes, nothing leaks, and opens again with what must be there
/// ```
struct FaultCampaign {
  let seed: UInt64
  /// Takes every so many-th way to fail, and of each every so many-th call: 1 for all of them.
  var stride = 1
  /// Which operations, by their names; nil for all.
  var takes: ((String) -> Bool)?
  private static let modes: [(String, StoreOptions.ReadMode)] = [
    ("mapped", .mapped), ("buffered", .buffered),
  ]

  /// After so many violations it is known that something is broken.
  private static let mostFailures = 20

  /// These ask neither a file system nor a bucket for anything.
  private static let withoutCalls: Set<String> = [
    "close, nothing written before", FaultedOperation.unasked,
  ]

  private typealias Part = (name: String, tally: () -> FaultTally)

  func run() throws -> Figures {
    let chosen = try (parts() + partsWithBuckets()).filter { takes?($0.name) ?? true }
    guard !chosen.isEmpty else { throw Violation("no operation is called so") }
    var rows: [(name: String, tally: FaultTally)] = []
    for part in chosen {
      rows.append((part.name, part.tally()))
      tell(rows)
      if rows.reduce(0, { $0 + $1.tally.failures.count }) > Self.mostFailures { break }
    }
    return figures(rows)
  }

  private func parts() throws -> [Part] {
    let store = try FaultedStore.closed(seed: seed)
    return FaultedOperation.all.map { part($0, on: store) }
      + (try FaultedOpening.all(seed: seed).map { part($0.name, FaultKind.all, $0.run) })
  }

  private func partsWithBuckets() throws -> [Part] {
    try operationsOfBuckets().map { ("bucket: \($0.name)", $0.tally) }
  }

  private func operationsOfBuckets() throws -> [Part] {
    let store = try FaultedStore.tiered(seed: seed)
    let whole = try FaultedStore.tiered(seed: seed, isWhole: true)
    let damaged = try FaultedStore.damaged(whole)
    let openings =
      try FaultedOpening.ofBuckets(store, whole, seed: seed) + [FaultedDetachment.opening(whole)]
      + FaultedOpening.tellingOfBuckets(store)
    return FaultedOperation.ofBuckets.map { part($0, on: store) }
      + FaultedOperation.repairs.map { part($0, on: damaged) }
      + openings.map { part($0.name, FaultKind.all, hasBucket: true, $0.run) }
      + FaultedReplica.all(store).map {
        part($0.name, FaultKind.all, hasBucket: true, $0.run)
      }
  }

  private func part(_ operation: FaultedOperation, on store: FaultedStore) -> Part {
    let kinds = operation.isHeavy ? FaultKind.plainest : FaultKind.all
    let hasBucket = store.machine.bucket != nil
    return part(operation.name, kinds, isHeavy: operation.isHeavy, hasBucket: hasBucket) {
      mode, fault, seed in
      FaultedRun(operation: operation, store: store, mode: mode, fault: fault, seed: seed).run()
    }
  }

  private func part(
    _ name: String, _ kinds: [FaultKind], isHeavy: Bool = false, hasBucket: Bool = false,
    _ run: @escaping Run
  ) -> Part {
    let modes = isHeavy ? Array(Self.modes.prefix(1)) : Self.modes
    return (
      name,
      {
        var tally = everyFailure(kinds, modes, name, run)
        if hasBucket {
          var requests = self
          // There are few, and a sample should meet some.
          requests.stride = min(stride, 3)
          tally.add(requests.everyFailure(FaultKind.ofBuckets, [("bucket", .mapped)], name, run))
        }
        return tally
      }
    )
  }

  private func tell(_ rows: [(name: String, tally: FaultTally)]) {
    guard let (name, tally) = rows.last else { return }
    Soak.tell("\(name): \(tally.runs) runs, \(tally.failures.count) violations")
    for failure in tally.failures.prefix(3) { Soak.tell("  \(failure)") }
  }

  private func figures(_ rows: [(name: String, tally: FaultTally)]) -> Figures {
    var sum = FaultTally()
    for row in rows { sum.add(row.tally) }
    if stride == 1, takes == nil, sum.failures.isEmpty { sum.failures = unmet(rows, sum) }
    return Figures(
      isGood: sum.failures.isEmpty && sum.runs > 0,
      members: [
        ("seed", .number(seed)), ("operations", .number(rows.count)),
        ("runs", .number(sum.runs)), ("errors", .number(sum.errors)),
        ("successes", .number(sum.runs - sum.errors)),
        ("images after a power cut", .number(sum.images)),
        ("violations", .number(sum.failures.count)),
        ("first violations", .list(sum.failures.prefix(8).map(JSON.text))),
        ("by operation", .list(rows.map { $0.tally.row($0.name) })),
        ("by kind, and the call that was hit", .list(sum.kindRows)),
        ("by kind, and the request that was hit", .list(sum.requestRows)),
      ])
  }

  /// What a campaign with everything must hit, and did not.
  private func unmet(_ rows: [(name: String, tally: FaultTally)], _ sum: FaultTally) -> [String] {
    let kinds =
      FaultKind.all.filter { sum.hits[$0.name] == nil }
      + FaultKind.ofBuckets.filter { sum.requestHits[$0.name] == nil }
    return kinds.map { "\($0.name): it hit nothing" }
      + rows.filter { ($0.tally.runs == 0) != Self.withoutCalls.contains($0.name) }
      .map { "\($0.name): \($0.tally.runs) runs" }
  }

  // MARK: - Every failure

  fileprivate typealias Run = (StoreOptions.ReadMode, PlannedFault, _ seed: UInt64) -> FaultOutcome

  /// Lets each call fail, in each of some ways to fail and to read.
  private func everyFailure(
    _ kinds: [FaultKind], _ modes: [(String, StoreOptions.ReadMode)], _ name: String, _ run: Run
  ) -> FaultTally {
    var tally = FaultTally()
    // Others first for each operation, so that a sample meets all.
    var way = Int(name.utf8.reduce(0) { $0 &+ UInt64($1) } % UInt64(stride))
    for (mode, readMode) in modes {
      for kind in kinds {
        for duration in [Fault.Duration.once, .forGood] {
          way += 1
          guard way % stride == 0 else { continue }
          let calls = everyCall(kind, duration, "\(name), \(mode)", &tally) { fault in
            run(readMode, fault, fault.seed(seed))
          }
          if kind.name == kinds[0].name { tally.calls[mode] = calls }
        }
      }
    }
    return tally
  }

  /// Returns how many calls there were to hit.
  private func everyCall(
    _ kind: FaultKind, _ duration: Fault.Duration, _ name: String, _ tally: inout FaultTally,
    _ run: (PlannedFault) -> FaultOutcome
  ) -> Int {
    var occurrence = 1 + (name.utf8.count &+ tally.runs) % stride
    while true {
      let fault = PlannedFault(kind: kind, duration: duration, occurrence: occurrence)
      let outcome = run(fault)
      tally.add(outcome, of: fault, name)
      if outcome.struck == nil { return occurrence - 1 }
      occurrence += stride
    }
  }
}
