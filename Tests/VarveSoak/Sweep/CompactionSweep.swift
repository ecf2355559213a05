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

  struct Tally: Sendable {
    /// By moment, way of reading, kind of file and mutation, then by verdict.
    var counts: [String: [CompactionVerdict: Int]] = [:]
    var illegal: [String] = []
  }

  func run() throws -> Figures {
    let jobs = Monitor(try allJobs())
    let tally = Monitor(Tally())
    let body: @Sendable () -> Void = {
      while let job = jobs.withLock({ $0.popLast() }) {
        let found = run(job)
        tally.withLock { $0.add(found) }
      }
    }
    let helper = try? WorkerThread(name: "sweep") { body() }
    body()
    helper?.join()
    return figures(tally.withLock { $0 })
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
          let all = Mutation.all(of: bytes, others: others.map(\.value)).filter(\.keepsSize)
          let taken = Swift.stride(from: part % stride, to: all.count, by: stride).map { all[$0] }
          jobs.append(
            Job(store: store, file: file, moment: moment, readMode: readMode, mutations: taken))
          // Other ones of each kind of run, so that a sample meets all.
          part += 7
        }
      }
    }
    return jobs
  }

  private func run(_ job: Job) -> Tally {
    var tally = Tally()
    let judge = CompactionJudge(
      store: job.store, file: job.file, moment: job.moment, readMode: job.readMode)
    guard let bytes = job.store.inputs[job.file] else { return tally }
    let what = "\(job.moment.rawValue), \(job.readMode), \(job.file.prefix { $0 != "-" })"
    for (index, mutation) in job.mutations.enumerated() {
      guard let mutated = mutation.applied(to: bytes), mutated.count == bytes.count else {
        continue
      }
      let step = (index + Int(seed % 1_000)) % max(1, job.store.steps)
      let place = "\(job.moment), \(job.readMode), \(job.file), \(mutation.place), call \(step)"
      do {
        let verdict = try judge.judge(mutated, step: step)
        tally.counts["\(what), \(mutation.name)", default: [:]][verdict, default: 0] += 1
        if !verdict.isLegal { tally.illegal.append("\(place): \(verdict.rawValue)") }
      } catch {
        tally.illegal.append("\(place): \(error)")
      }
    }
    return tally
  }

  private func figures(_ tally: Tally) -> Figures {
    let total = tally.counts.values.reduce(0) { $0 + $1.values.reduce(0, +) }
    let rows = tally.counts.sorted { $0.key < $1.key }.map { key, counts in
      JSON.object(
        [("what", .text(key))]
          + CompactionVerdict.allCases.filter { counts[$0] != nil }
          .map { ($0.rawValue, .number(counts[$0] ?? 0)) })
    }
    return Figures(
      isGood: tally.illegal.isEmpty && total > 0,
      members: [
        ("damages under a compaction", .number(total)),
        ("violations under a compaction", .number(tally.illegal.count)),
        (
          "first violations under a compaction",
          .list(tally.illegal.sorted().prefix(12).map(JSON.text))
        ),
        ("under a compaction", .list(rows)),
      ])
  }
}

extension CompactionSweep.Tally {
  mutating func add(_ other: CompactionSweep.Tally) {
    counts.merge(other.counts) { $0.merging($1, uniquingKeysWith: +) }
    illegal += other.illegal
  }
}
