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
      ] + tally.sums + tally.costs("") + [
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
        let others = store.siblings(of: file, in: other.files) + store.siblings(of: file)
        let all =
          try Mutation.all(of: bytes, others: others, older: store.older[file])
          + Mutation.ofWholeFiles(bytes) + moves(file, bytes, of: store)
        add(all, store, file, to: &jobs)
      }
      for (file, bytes) in store.intruders(from: other.files) {
        add([.add(bytes)], store, file, to: &jobs)
      }
      let even = try SweptStore(end, .even, seed: seed)
      let twin = try SweptStore(end, .even, seed: seed &+ SweptStore.twin)
      for (file, bytes) in even.files.sorted(by: { $0.key < $1.key }) {
        guard let equal = twin.files[file], equal.count == bytes.count else {
          throw Violation("the store with other values has no file like \(file)")
        }
        let all =
          try moves(file, bytes, of: even)
          + Mutation.grafts(onto: bytes, from: equal, of: .twin)
        add(all, even, file, to: &jobs)
      }
    }
    return jobs
  }

  /// Whole blocks and records elsewhere: in their file, from others of the store, from before.
  private func moves(
    _ file: String, _ bytes: [UInt8], of store: SweptStore
  ) throws -> [Mutation] {
    var moves = try Mutation.moves(within: bytes)
    for sibling in store.siblings(of: file) {
      moves += try Mutation.grafts(onto: bytes, from: sibling, of: .sibling)
    }
    if let older = store.older[file] {
      moves += try Mutation.grafts(onto: bytes, from: older, of: .older)
    }
    return moves
  }

  private func add(
    _ all: [Mutation], _ store: SweptStore, _ file: String, to jobs: inout [Job]
  ) {
    // Of few all are taken.
    let taken = all.count == 1 ? all : all.sample(every: stride, seed: seed)
    for start in Swift.stride(from: 0, to: taken.count, by: 2_000) {
      jobs.append(
        Job(store: store, file: file, mutations: taken[start..<min(start + 2_000, taken.count)]))
    }
  }

  private static func run(_ job: Job) -> SweepTally<SweepVerdict> {
    var tally = SweepTally<SweepVerdict>()
    // What comes from elsewhere is not there before.
    let bytes = job.store.files[job.file] ?? []
    let shape = job.store.shape == .varied ? "" : " \(job.store.shape)"
    let what = "\(job.store.end)\(shape), \(job.file.prefix { $0 != "-" })"
    for (index, mutation) in job.mutations.enumerated() {
      let mutated = mutation.applied(to: bytes)
      if mutated == nil, !mutation.isRemoval { continue }
      let judge = SweepJudge(store: job.store, file: job.file, number: index)
      tally.note(
        "\(what), \(mutation.name)",
        "\(job.store.end)\(shape), \(job.file), \(mutation.place)"
      ) { try judge.judge(mutated) }
    }
    return tally
  }
}
