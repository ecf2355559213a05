import VarvePlatform
import VarveTestSupport

/// Workload after workload, on two threads, which changes no figure but the time.
///
/// ```
///   whole        every call, every way in which a disk can lose what is pending
///   in part      nine more for each whole one, of which one disk in ten is judged
///   the rest     one, of which as many disks are judged as are left of those that were asked for
/// ```
struct CrashCampaign {
  let images: Int
  let seed: UInt64
  private static let acts = 60
  /// So many workloads must meet all that there is to meet.
  private static let enoughForAll = 40

  func run() -> Figures {
    let tally = Monitor(CrashTally())
    let left = Monitor(Array(runs.reversed()))
    let traces = Monitor<[UInt64: UInt64]>([:])
    let body: @Sendable () -> Void = {
      while tally.withLock({ $0.failures.count < 20 }), let run = left.withLock({ $0.popLast() }) {
        let found = run.run()
        traces.withLock { $0[run.seed] = found.trace }
        let images = tally.withLock { tally in
          tally.add(found)
          return tally.allImages
        }
        Soak.tell("seed \(run.seed): \(images) disks so far")
      }
    }
    let helper = try? WorkerThread(name: "crash") { body() }
    body()
    helper?.join()
    var all = tally.withLock { $0 }
    // Where something failed some workloads have not run even once.
    let isRepeated: Bool? =
      all.failures.isEmpty
      ? repeated.allSatisfy { run in run.run().trace == traces.withLock { $0[run.seed] } } : nil
    do {
      all.failures += [
        try SyncBesideFlush.failure { _ in }, try CrashInRestore.failure { _ in },
      ].compactMap(\.self)
    } catch { all.failures.append("\(error)") }
    if all.workloads >= Self.enoughForAll, all.failures.isEmpty { all.failures = all.unmet }
    return Figures(
      isGood: all.failures.isEmpty && isRepeated == true && all.images > 0,
      members: [("first seed", .number(seed))] + all.members + [
        (
          "the same seed gives the same trace",
          .text(isRepeated.map { $0 ? "yes" : "no" } ?? "not looked at")
        )
      ] + all.tables)
  }

  private var runs: [CrashRun] {
    let (whole, rest) = images.quotientAndRemainder(dividingBy: CrashSample.imagesOfWorkload)
    let runs =
      (0..<whole).map { run($0, .all) }
      + (whole..<10 * whole).map { run($0, CrashSample(oneIn: 10, seed: seed &+ UInt64($0))) }
    guard rest > 0 || runs.isEmpty else { return runs }
    let last = CrashSample(images: rest, seed: seed &+ UInt64(runs.count))
    return runs + [run(runs.count, last)]
  }

  /// The first one, and of those that are judged in part as many as there are shapes, with logs that are used again and
  /// without.
  private var repeated: [CrashRun] {
    let whole = images / CrashSample.imagesOfWorkload
    return Array(runs.prefix(1) + runs.dropFirst(whole).prefix(whole == 0 ? 0 : 6))
  }

  /// The workload of a number: one of three is careless, and one of three has a bucket.
  private func run(_ number: Int, _ sample: CrashSample) -> CrashRun {
    var run = CrashRun(seed: seed &+ UInt64(number), acts: Self.acts, sample: sample)
    if run.seed % 3 == 2 { run.shape = .careless }
    if run.seed % 3 == 0 { run.shape = .tiered }
    return run
  }
}
