import Varve
import VarvePlatform
import VarveTestSupport

/// Every small damage to every input of a compaction, before it and while it runs: it must stop, or have no
/// need of what was changed, and never write wrong bytes under a fresh checksum.
struct CompactionSweep {
  let stride: Int
  let seed: UInt64

  private struct Job: Sendable {
    var store: CompactedStore
    var file: String
    var moment: RotMoment
    var readMode: StoreOptions.ReadMode
    var mutations: [Mutation]
  }

  func run() throws -> Figures {
    var tally = SweepTally(of: try allJobs(), run)
    if met(tally) == 0 { tally.note(violation: "the running compaction met no damage at all") }
    return Figures(
      isGood: tally.illegal.isEmpty && tally.total > 0,
      members: [
        ("damages under a compaction", .number(tally.total)),
        ("violations under a compaction", .number(tally.illegal.count)),
        ("first violations under a compaction", tally.firstIllegal),
      ] + meetings(tally) + tally.costs(" under a compaction") + [
        ("under a compaction", tally.rows)
      ])
  }

  private func allJobs() throws -> [Job] {
    let store = try CompactedStore(seed: seed)
    let other = try CompactedStore(seed: seed &+ 1)
    var jobs: [Job] = []
    var part = Int(seed % UInt64(stride))
    for moment in RotMoment.allCases {
      for readMode in [StoreOptions.ReadMode.mapped, .buffered] {
        for (file, bytes) in store.inputs.sorted(by: { $0.key < $1.key }) {
          let kind = file.prefix { $0 != "-" }
          let others = other.inputs.filter { $0.key.hasPrefix(kind) }.sorted { $0.key < $1.key }
          // What changes the size is seen when the store is opened.
          let all =
            try Mutation.all(of: bytes, others: others.map(\.value)).filter(\.keepsSize)
            + Mutation.moves(within: bytes)
          let taken = all.sample(every: stride, seed: UInt64(part))
          jobs.append(
            Job(store: store, file: file, moment: moment, readMode: readMode, mutations: taken))
          // Other ones of each kind of run, so that a sample meets all.
          part += 7
        }
      }
    }
    return jobs
  }

  private func run(_ job: Job) -> SweepTally<CompactionVerdict> {
    var tally = SweepTally<CompactionVerdict>()
    let judge = CompactionJudge(
      store: job.store, file: job.file, moment: job.moment, readMode: job.readMode)
    guard let bytes = job.store.inputs[job.file] else { return tally }
    do {
      var calls = job.moment == .running ? try MeetingCalls(bytes, judge) : nil
      for (index, mutation) in job.mutations.enumerated() {
        guard let mutated = mutation.applied(to: bytes), mutated.count == bytes.count else {
          continue
        }
        let number = index + Int(seed % 1_000)
        let call = try calls?.call(for: mutated, number: number)
        note(job, mutation, mutated, at: call, number, judge, &tally)
      }
    } catch {
      // Nobody knows when it must change.
      tally.note(violation: "\(job.readMode), \(job.file), when it is read: \(error)")
    }
    return tally
  }

  private func note(
    _ job: Job, _ mutation: Mutation, _ mutated: [UInt8], at call: Int?, _ number: Int,
    _ judge: CompactionJudge, _ tally: inout SweepTally<CompactionVerdict>
  ) {
    let step = call ?? number % max(1, job.store.steps)
    let moment =
      job.moment != .running ? "\(job.moment)" : call == nil ? Self.unread : Self.running
    let what = "\(job.readMode), \(job.file.prefix { $0 != "-" })"
    let place = "\(moment), \(job.readMode), \(job.file), \(mutation.place), call \(step)"
    tally.note("\(moment), \(what), \(mutation.name)", place) {
      try judge.judge(mutated, step: step)
    }
  }

  /// What is changed at one of the calls, and what of it the compaction does not read.
  private static let running = "running"
  private static let unread = "running and not read"

  /// How often the running compaction met what had changed.
  private func met(_ tally: SweepTally<CompactionVerdict>) -> Int {
    tally.counts(of: Self.running + ",")[.stopped] ?? 0
  }

  private func meetings(_ tally: SweepTally<CompactionVerdict>) -> [(String, JSON)] {
    let all = tally.counts(of: Self.running + ",")
    let met = met(tally)
    return [
      ("met by the running compaction", .number(met)),
      ("too late for it", .number(all.values.reduce(0, +) - met)),
      ("never read by it", .number(tally.counts(of: Self.unread + ",").values.reduce(0, +))),
    ]
  }
}
