import VarvePlatform
import VarveTestSupport

/// What can come of a damage.
protocol Verdict: CaseIterable, Hashable, RawRepresentable<String>, Sendable {
  /// Whether no promise is broken.
  var isLegal: Bool { get }
}

/// What came of damages.
struct SweepTally<Found: Verdict>: Sendable {
  /// By what was damaged and how, then by verdict.
  private var counts: [String: [Found: Int]] = [:]
  /// What was wrong, with what repeats it.
  private(set) var illegal: [String] = []
  /// The most that one damage took.
  private(set) var most = DamageCost(bytes: 0, milliseconds: 0)

  private static var tellsEvery: Int { 50 }
  /// After so many violations it is known that something is broken.
  private static var mostIllegal: Int { 20 }

  init() {}

  /// Takes all jobs on two threads, the last ones first.
  init<Job: Sendable>(of jobs: [Job], _ run: @escaping @Sendable (Job) -> SweepTally) {
    let left = Monitor(jobs)
    let tally = Monitor(SweepTally())
    let body: @Sendable () -> Void = {
      while tally.withLock({ $0.illegal.count < Self.mostIllegal }),
        let job = left.withLock({ $0.popLast() })
      {
        let found = run(job)
        tally.withLock { $0.add(found) }
        let toDo = left.withLock(\.count)
        if toDo % Self.tellsEvery == 0 { Soak.tell("\(toDo) of \(jobs.count) parts to do") }
      }
    }
    let isOver = Monitor(false)
    var watch: WorkerThread?
    do {
      watch = try WorkerThread(name: "sweep-watch") { DamageWatch.shared.run(until: isOver) }
    } catch {
      tally.withLock { $0.note(violation: "nobody watches for what never ends: \(error)") }
    }
    let helper = try? WorkerThread(name: "sweep") { body() }
    body()
    helper?.join()
    isOver.withLock { $0 = true }
    isOver.broadcast()
    watch?.join()
    self = tally.withLock { $0 }
    if let blindness = DamageWatch.blindness(after: most) { note(violation: blindness) }
  }

  /// What is wrong apart from one damage.
  mutating func note(violation: String) { illegal.append(violation) }

  /// Judges one damage.
  mutating func note(_ what: String, _ place: String, _ judge: () throws -> Found) {
    let (result, cost) = DamageWatch.measure(place, judge)
    switch result {
    case .success(let verdict):
      counts[what, default: [:]][verdict, default: 0] += 1
      if !verdict.isLegal { illegal.append("\(place): \(verdict.rawValue)") }
    case .failure(let error): illegal.append("\(place): \(error)")
    }
    if let excess = cost.excess { illegal.append("\(place): \(excess)") }
    most.raise(to: cost)
  }

  private mutating func add(_ other: SweepTally) {
    counts.merge(other.counts) { $0.merging($1, uniquingKeysWith: +) }
    illegal += other.illegal
    most.raise(to: other.most)
  }
}

// MARK: - Figures

extension SweepTally {
  var total: Int { counts.values.reduce(0) { $0 + $1.values.reduce(0, +) } }

  var firstIllegal: JSON { .list(illegal.sorted().prefix(12).map(JSON.text)) }

  /// The verdicts on what is called so at its beginning.
  func counts(of prefix: String) -> [Found: Int] {
    counts.filter { $0.key.hasPrefix(prefix) }.values.reduce(into: [:]) {
      $0.merge($1, uniquingKeysWith: +)
    }
  }

  /// The most that one damage of the kind took.
  func costs(_ kind: String) -> [(String, JSON)] {
    [
      ("most KiB held for one damage\(kind)", .number(most.bytes >> 10)),
      ("most ms of processor for one damage\(kind)", .number(most.milliseconds)),
    ]
  }

  /// How often each verdict came, of all that there are.
  var sums: [(String, JSON)] {
    Found.allCases.map { verdict in
      (verdict.rawValue, .number(counts.values.reduce(0) { $0 + ($1[verdict] ?? 0) }))
    }
  }

  /// A row for each thing that was damaged, with the verdicts that came.
  var rows: JSON {
    .list(
      counts.sorted { $0.key < $1.key }.map { what, counts in
        let seen = Found.allCases.filter { counts[$0] != nil }
        return .object(
          [("what", .text(what))] + seen.map { ($0.rawValue, .number(counts[$0] ?? 0)) })
      })
  }
}
