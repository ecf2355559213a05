import Varve
import VarveTestSupport

/// Lists of random operations on a store and on its model, until there were so many.
///
/// Each list has options of its own. Now and then one is run twice, which must give the same trace; one of
/// sixteen has a store with threads, whose outputs must be the same all the same. A list that fails is shrunk
/// and told as a test to paste.
struct ModelCampaign {
  let operations: Int
  let seed: UInt64

  private static let mostFailures = 3
  private static let repeatEvery = 25
  private static let threadsEvery = 16
  /// So many operations meet each of the rarities hundreds of times.
  private static let enoughForAll = 100_000

  private var runs = 0
  private var done = 0
  private var counts: [String: Int] = [:]
  private var optionSets: Set<ModelOptions> = []
  private var powerCuts = 0
  private var tally = ModelRun.Tally()
  private var repeats = 0
  private var isRepeated = true
  private var trace = TraceHash()
  private var failures: [String] = []

  init(operations: Int, seed: UInt64) {
    self.operations = operations
    self.seed = seed
  }

  mutating func run() -> Figures {
    while done < operations, failures.count < Self.mostFailures {
      // Where a trap ends the process, this says which seed to begin with.
      if runs % 500 == 0 { Soak.tell("\(done) operations, next seed \(seed + UInt64(runs))") }
      runNext()
    }
    failures += unmet
    return Figures(isGood: failures.isEmpty && isRepeated, members: members)
  }

  /// What so many operations must have met, and did not.
  private var unmet: [String] {
    guard done >= Self.enoughForAll else { return [] }
    return rarities.filter { $0.count == 0 }.map { "\(done) operations without \($0.name)" }
  }

  /// What is not always possible, and how often it took place.
  private var rarities: [(name: String, count: Int)] {
    [
      ("power cuts", powerCuts), ("evictions", tally.evictions),
      ("reads that the bucket did not answer", tally.unanswered),
      ("opened elsewhere", tally.elsewhere), ("contents of replicas", tally.replicas),
      ("contents of their snapshots", tally.replicaSnapshots),
    ]
  }

  private mutating func runNext() {
    let seed = seed + UInt64(runs)
    let hasThreads = runs % Self.threadsEvery == Self.threadsEvery - 1
    let count = hasThreads ? 100 : [100, 300, 300, 1_000][runs % 4]
    let (options, list) = OperationGenerator.run(
      seed: seed, count: count, background: hasThreads ? .threads : nil)
    let outcome = ModelRun.outcome(of: list, options)
    runs += 1
    note(list, options, outcome)
    if let failure = outcome.failure {
      report("seed \(seed), operation \(failure.place): \(failure.what)", list, options)
    } else if runs % Self.repeatEvery == 1 || hasThreads && runs % 3 == 0 {
      repeats += 1
      guard ModelRun.outcome(of: list, options).trace != outcome.trace else { return }
      isRepeated = false
      failures.append("seed \(seed): another trace in the second run")
    }
  }

  private mutating func note(
    _ list: [ModelOperation], _ options: ModelOptions, _ outcome: ModelRun.Outcome
  ) {
    let reached = outcome.failure?.place ?? list.count
    done += min(list.count, reached)
    for operation in list.prefix(reached) { counts[operation.name, default: 0] += 1 }
    powerCuts += outcome.powerCuts
    tally += outcome.tally
    trace.note(outcome.trace)
    var set = options
    set.seed = 0
    optionSets.insert(set)
  }

  private mutating func report(
    _ failure: String, _ list: [ModelOperation], _ options: ModelOptions
  ) {
    let small = ModelRun.shrunk(list, options)
    Soak.tell("\(failure)\n\(small?.swift ?? "// It did not fail again.")")
    let size = small.map { "shrunk to \($0.operations.count) operations in \($0.tries) runs" }
    failures.append("\(failure); \(size ?? "not again")")
  }

  private var members: [(String, JSON)] {
    [
      ("seed", .number(seed)), ("operations", .number(done)), ("runs", .number(runs)),
      ("option sets", .number(optionSets.count)),
    ] + rarities.map { ($0.name, .number($0.count)) } + [
      ("runs repeated", .number(repeats)), ("violations", .number(failures.count)),
      ("first violations", .list(failures.map(JSON.text))),
      ("trace", .text(String(trace.value, radix: 16))),
      ("the same seed gives the same trace", .text(isRepeated ? "yes" : "no")),
      (
        "by operation",
        .list(
          counts.sorted { $0.value > $1.value }.map {
            .object([("operation", .text($0.key)), ("times", .number($0.value))])
          })
      ),
    ]
  }
}
