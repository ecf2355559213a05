import VarvePlatform
import VarveTestSupport

/// Workload after workload, on two threads, which changes no figure but the time.
///
/// The last one is judged in part where fewer disks are left to judge than it has.
struct CrashCampaign {
  let images: Int
  let seed: UInt64
  private static let acts = 60

  func run() -> Figures {
    let tally = Monitor(CrashTally())
    let left = Monitor(Array(runs.reversed()))
    let traces = Monitor<[UInt64: UInt64]>([:])
    let body: @Sendable () -> Void = {
      while tally.withLock({ $0.failures.count < 20 }), let run = left.withLock({ $0.popLast() }) {
        let found = run.run()
        traces.withLock { $0[run.seed] = found.trace }
        tally.withLock { $0.add(found) }
      }
    }
    let helper = try? WorkerThread(name: "crash") { body() }
    body()
    helper?.join()
    let isRepeated = runs[0].run().trace == traces.withLock { $0[seed] }
    var all = tally.withLock { $0 }
    do {
      all.failures += [
        try SyncBesideFlush.failure { _ in }, try CrashInRestore.failure { _ in },
      ].compactMap(\.self)
    } catch { all.failures.append("\(error)") }
    return Figures(
      isGood: all.failures.isEmpty && isRepeated && all.images > 0,
      members: [("first seed", .number(seed))] + all.members + [
        ("the same seed gives the same trace", .text(isRepeated ? "yes" : "no"))
      ])
  }

  /// Whole workloads, then one for the rest.
  private var runs: [CrashRun] {
    let (whole, rest) = images.quotientAndRemainder(dividingBy: CrashSample.imagesOfWorkload)
    var runs = (0..<whole).map(run)
    if rest > 0 || runs.isEmpty {
      var last = run(whole)
      last.sample = CrashSample(images: rest, seed: last.seed)
      runs.append(last)
    }
    return runs
  }

  /// The workload of a number: one of three is careless, and one of three has a bucket.
  private func run(_ number: Int) -> CrashRun {
    var run = CrashRun(seed: seed &+ UInt64(number), acts: Self.acts)
    if run.seed % 3 == 2 { run.shape = .careless }
    if run.seed % 3 == 0 { run.shape = .tiered }
    return run
  }
}
