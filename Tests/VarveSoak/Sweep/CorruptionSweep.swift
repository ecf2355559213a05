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

  struct Tally: Sendable {
    /// By end, kind of file and mutation, then by verdict.
    var counts: [String: [SweepVerdict: Int]] = [:]
    var illegal: [String] = []
  }

  func run() throws -> Figures {
    let jobs = Monitor(try allJobs())
    let tally = Monitor(Tally())
    let body: @Sendable () -> Void = {
      while let job = jobs.withLock({ $0.popLast() }) {
        let found = Self.run(job)
        tally.withLock { $0.add(found) }
      }
    }
    let helper = try? WorkerThread(name: "sweep") { body() }
    body()
    helper?.join()
    return figures(tally.withLock { $0 })
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
        let taken = Swift.stride(from: Int(seed) % stride, to: all.count, by: stride).map {
          all[$0]
        }
        for start in Swift.stride(from: 0, to: taken.count, by: 2_000) {
          jobs.append(
            Job(store: store, file: file, mutations: taken[start..<min(start + 2_000, taken.count)])
          )
        }
      }
    }
    return jobs
  }

  private static func run(_ job: Job) -> Tally {
    var tally = Tally()
    let judge = SweepJudge(store: job.store, file: job.file)
    guard let bytes = job.store.files[job.file] else { return tally }
    let kind = job.file.prefix { $0 != "-" }
    for mutation in job.mutations {
      let mutated = mutation.applied(to: bytes)
      if mutated == nil, !mutation.isRemoval { continue }
      let verdict: SweepVerdict
      do { verdict = try judge.judge(mutated) } catch {
        tally.illegal.append("\(job.store.end), \(job.file), \(mutation.place): \(error)")
        continue
      }
      tally.counts["\(job.store.end), \(kind), \(mutation.name)", default: [:]][
        verdict, default: 0] += 1
      if !verdict.isLegal {
        tally.illegal.append(
          "\(job.store.end), \(job.file), \(mutation.place): \(verdict.rawValue)")
      }
    }
    return tally
  }

  private func figures(_ tally: Tally) -> Figures {
    var sums: [SweepVerdict: Int] = [:]
    for counts in tally.counts.values { sums.merge(counts, uniquingKeysWith: +) }
    let rows = tally.counts.sorted { $0.key < $1.key }.map { key, counts in
      JSON.object([("what", .text(key))] + Self.members(counts, onlySeen: true))
    }
    return Figures(
      isGood: tally.illegal.isEmpty,
      members: [
        ("seed", .number(seed)), ("every n-th", .number(stride)),
        ("mutations", .number(sums.values.reduce(0, +))),
      ] + Self.members(sums, onlySeen: false) + [
        ("violations", .number(tally.illegal.count)),
        ("first violations", .list(tally.illegal.sorted().prefix(12).map(JSON.text))),
        ("by file", .list(rows)),
      ])
  }

  private static func members(
    _ counts: [SweepVerdict: Int], onlySeen: Bool
  ) -> [(String, JSON)] {
    SweepVerdict.allCases.filter { !onlySeen || counts[$0] != nil }
      .map { ($0.rawValue, .number(counts[$0] ?? 0)) }
  }
}

extension CorruptionSweep.Tally {
  mutating func add(_ other: CorruptionSweep.Tally) {
    counts.merge(other.counts) { $0.merging($1, uniquingKeysWith: +) }
    illegal += other.illegal
  }
}
