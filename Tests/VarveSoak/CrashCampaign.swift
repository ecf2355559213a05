import VarvePlatform
import VarveTestSupport

/// Workload after workload until so many disks were judged; on two threads, which changes no figure but
/// the time.
struct CrashCampaign {
  let images: Int
  let seed: UInt64
  private static let acts = 60

  func run() -> Figures {
    let tally = Monitor(CrashTally())
    let next = Monitor(seed)
    let body: @Sendable () -> Void = {
      while tally.withLock({ $0.allImages < images && $0.failures.count < 20 }) {
        let seed = next.withLock { next in
          defer { next += 1 }
          return next
        }
        let found = CrashRun(seed: seed, acts: Self.acts).run()
        tally.withLock { $0.add(found) }
      }
    }
    let helper = try? WorkerThread(name: "crash") { body() }
    body()
    helper?.join()
    let first = CrashRun(seed: seed, acts: Self.acts).run().trace
    let isRepeated = CrashRun(seed: seed, acts: Self.acts).run().trace == first
    var all = tally.withLock { $0 }
    do {
      if let failure = try CommitBesideFlush.failure(preparing: { _ in }) {
        all.failures.append(failure)
      }
    } catch { all.failures.append("\(error)") }
    return Figures(
      isGood: all.failures.isEmpty && isRepeated,
      members: [("first seed", .number(seed))] + all.members + [
        ("the same seed gives the same trace", .text(isRepeated ? "yes" : "no"))
      ])
  }
}
