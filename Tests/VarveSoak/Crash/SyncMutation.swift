import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Leaves out each sync of the engine in turn: the crash runs must notice every one.
///
/// A sync that nothing misses is one too many, or stands for a promise that no test holds.
struct SyncMutation {
  /// A sync that was not missed after so many disks is called a survivor.
  let mostImages: Int
  let seed: UInt64
  private static let acts = 60
  /// Workloads in which the places are found.
  private static let discoveries: UInt64 = 24
  /// One disk in so many is judged: what is missed by few acts only must be looked for in many workloads.
  private static let oneIn = 6

  struct Outcome: Sendable {
    var site: String
    var images = 0
    var failure: String?
  }

  func run() -> Figures {
    if let failure = failureOfTheWholeEngine() {
      return Figures(isGood: false, members: [("with every sync", .text(failure))])
    }
    let sites = SyncSites()
    let found = discover(sites)
    let outcomes = outcomes(without: found, sites).sorted { $0.site < $1.site }
    let seen = outcomes.count { $0.failure != nil }
    let unreached = SyncSites.unreached(by: found.keys)
    return Figures(
      isGood: seen == found.count && seen > 0,
      members: [
        ("first seed", .number(seed)), ("syncs", .number(found.count)), ("missed", .number(seen)),
        ("score", .text("\(found.isEmpty ? 0 : 100 * seen / found.count) %")),
        ("lines that ask for a sync and were not reached", .list(unreached.map(JSON.text))),
        ("sites", .list(outcomes.map(\.json))),
      ])
  }

  /// What is wrong while no sync is left out: it would be taken for one that is missed.
  private func failureOfTheWholeEngine() -> String? {
    do {
      let failure = try CommitBesideFlush.failure { _ in }
      return failure ?? CrashRun(seed: seed, acts: Self.acts).run().failures.first
    } catch { return "\(error)" }
  }

  /// The places from which anything is synced, and the workloads in which that happens.
  private func discover(_ sites: SyncSites) -> [String: Set<UInt64>] {
    let found = Monitor<[String: Set<UInt64>]>([:])
    func note(_ number: UInt64) -> @Sendable (SimulatedFileSystem) -> Void {
      { system in
        system.ignoringSync { _, _ in
          let site = sites.current()
          found.withLock { _ = $0[site, default: []].insert(number) }
          return false
        }
      }
    }
    for number in seed..<seed &+ Self.discoveries {
      var run = CrashRun(seed: number, acts: Self.acts)
      run.prepare = note(number)
      run.isJudged = false
      _ = run.run()
    }
    _ = try? CommitBesideFlush.failure(preparing: note(seed))
    return found.withLock { $0 }
  }

  /// Site after site, on two threads.
  private func outcomes(without found: [String: Set<UInt64>], _ sites: SyncSites) -> [Outcome] {
    let left = Monitor(found.sorted { $0.key > $1.key })
    let outcomes = Monitor<[Outcome]>([])
    let body: @Sendable () -> Void = {
      while let (site, seeds) = left.withLock({ $0.popLast() }) {
        let outcome = outcome(without: site, sites, seeds: seeds.sorted())
        outcomes.withLock { $0.append(outcome) }
      }
    }
    let helper = try? WorkerThread(name: "syncs") { body() }
    body()
    helper?.join()
    return outcomes.withLock { $0 }
  }

  /// Crashes machines that leave one sync out until that is noticed.
  private func outcome(without site: String, _ sites: SyncSites, seeds: [UInt64]) -> Outcome {
    var outcome = Outcome(site: site)
    outcome.failure = failureBesideFlush(without: site, sites)
    for number in seeds where outcome.images < mostImages && outcome.failure == nil {
      var run = CrashRun(seed: number, acts: Self.acts)
      run.prepare = { $0.ignoringSync { _, _ in sites.current() == site } }
      run.sample = CrashSample(oneIn: Self.oneIn, seed: number)
      let left = mostImages - outcome.images
      run.isOver = { !$0.failures.isEmpty || $0.allImages > left }
      let tally = run.run()
      outcome.images += tally.allImages
      outcome.failure = tally.failures.first
    }
    for _ in 0..<Self.meetings where outcome.failure == nil {
      outcome.failure = failureBesideFlush(without: site, sites)
    }
    let verdict = outcome.failure == nil ? "NOT MISSED" : "missed"
    Soak.tell("\(verdict) after \(outcome.images) images: \(site)")
    return outcome
  }
}

extension SyncMutation {
  /// How often two threads are let meet once more, of which it depends on their time what is missed.
  private static let meetings = 8

  private func failureBesideFlush(without site: String, _ sites: SyncSites) -> String? {
    // Where it cannot be set up without this sync, that says nothing.
    try? CommitBesideFlush.failure {
      $0.ignoringSync { _, _ in sites.current() == site }
    }
  }
}

extension SyncMutation.Outcome {
  var json: JSON {
    .object([
      ("site", .text(site)), ("images", .number(images)),
      ("violation", failure.map(JSON.text) ?? .nothing),
    ])
  }
}
