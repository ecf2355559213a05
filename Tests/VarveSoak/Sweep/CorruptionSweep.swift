import VarvePlatform
import VarveTestSupport

/// Every small damage to every file of a store: is it noticed, and is nothing wrong ever returned?
struct CorruptionSweep {
  /// Takes every so many-th mutation: 1 for all of them.
  let stride: Int
  let seed: UInt64

  private struct Job: Sendable {
    var store: SweptStore
    var file: String
    var mutations: ArraySlice<Mutation>
  }

  func run() throws -> Figures {
    let tally = SweepTally(of: try allJobs(), Self.run)
    return Figures(
      isGood: tally.illegal.isEmpty && tally.total > 0,
      members: [
        ("seed", .number(seed)), ("every n-th", .number(stride)),
        ("mutations", .number(tally.total)),
      ] + tally.sums + [
        ("violations", .number(tally.illegal.count)), ("first violations", tally.firstIllegal),
        ("by file", tally.rows),
      ])
  }

  private func allJobs() throws -> [Job] {
    var jobs: [Job] = []
    for end in SweptStore.End.allCases {
      let store = try SweptStore(end, seed: seed)
      let other = try SweptStore(end, seed: seed &+ 1)
      for (file, bytes) in store.files.sorted(by: { $0.key < $1.key }) {
        let kind = file.prefix { $0 != "-" }
        let siblings = store.files.filter { $0.key != file }
        let others = [other.files, siblings].flatMap { files in
          files.filter { $0.key.hasPrefix(kind) }.sorted { $0.key < $1.key }.map(\.value)
        }
        let all =
          Mutation.all(of: bytes, others: others, older: store.older[file])
          + Mutation.ofWholeFiles(bytes)
        let taken = all.sample(every: stride, seed: seed)
        for start in Swift.stride(from: 0, to: taken.count, by: 2_000) {
          jobs.append(
            Job(store: store, file: file, mutations: taken[start..<min(start + 2_000, taken.count)])
          )
        }
      }
    }
    return jobs
  }

  private static func run(_ job: Job) -> SweepTally<SweepVerdict> {
    var tally = SweepTally<SweepVerdict>()
    let judge = SweepJudge(store: job.store, file: job.file)
    guard let bytes = job.store.files[job.file] else { return tally }
    let what = "\(job.store.end), \(job.file.prefix { $0 != "-" })"
    for mutation in job.mutations {
      let mutated = mutation.applied(to: bytes)
      if mutated == nil, !mutation.isRemoval { continue }
      tally.note(
        "\(what), \(mutation.name)", "\(job.store.end), \(job.file), \(mutation.place)"
      ) { try judge.judge(mutated) }
    }
    return tally
  }
}
