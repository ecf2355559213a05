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

  init() {}

  /// Takes all jobs on two threads, the last ones first.
  init<Job: Sendable>(of jobs: [Job], _ run: @escaping @Sendable (Job) -> SweepTally) {
    let left = Monitor(jobs)
    let tally = Monitor(SweepTally())
    let body: @Sendable () -> Void = {
      while let job = left.withLock({ $0.popLast() }) {
        let found = run(job)
        tally.withLock { $0.add(found) }
      }
    }
    let helper = try? WorkerThread(name: "sweep") { body() }
    body()
    helper?.join()
    self = tally.withLock { $0 }
  }

  /// Judges one damage.
  mutating func note(_ what: String, _ place: String, _ judge: () throws -> Found) {
    do {
      let verdict = try judge()
      counts[what, default: [:]][verdict, default: 0] += 1
      if !verdict.isLegal { illegal.append("\(place): \(verdict.rawValue)") }
    } catch {
      illegal.append("\(place): \(error)")
    }
  }

  private mutating func add(_ other: SweepTally) {
    counts.merge(other.counts) { $0.merging($1, uniquingKeysWith: +) }
    illegal += other.illegal
  }
}

// MARK: - Figures

extension SweepTally {
  var total: Int { counts.values.reduce(0) { $0 + $1.values.reduce(0, +) } }

  var firstIllegal: JSON { .list(illegal.sorted().prefix(12).map(JSON.text)) }

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
