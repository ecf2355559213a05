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
  /// Fewer may not show what a sync is for.
  static let usualImages = 150_000
  /// Of a workload.
  var acts = 60
  /// Workloads in which the places are found.
  var discoveries: UInt64 = 42
  /// Whether to look at what no workload shows as well.
  var hasScenarios = true
  /// Which of those places are left out, by their names.
  var takes: @Sendable (String) -> Bool = { _ in true }
  /// Of one after the other of them.
  private static let shapes: [CrashWorkload.Shape] = [
    .init(), .tiered, .rotating, .init(), .tiered, .rotating,
  ]
  /// One disk in so many is judged: what is missed by few acts only must be looked for in many workloads.
  private static let oneIn = 6

  /// What no workload shows.
  private static let scenarios: [@Sendable ((SimulatedFileSystem) -> Void) throws -> String?] = [
    { try SyncBesideFlush.failure(preparing: $0) }, { try CrashInRestore.failure(preparing: $0) },
    { try CopyApart.failure(preparing: $0) }, { try RecoveryByThreads.failure(preparing: $0) },
    { try DetachedBucket.failure(preparing: $0) },
    { try CrashAfterFailedSync.failure(preparing: $0) },
  ]

  struct Outcome: Sendable {
    var site: String
    var images = 0
    var failure: String?
  }

  func run() -> Figures {
    let sites = SyncSites()
    if mostImages < Self.usualImages {
      Soak.tell("of less than \(Self.usualImages) images a sync that is not missed says nothing")
    }
    let (all, failures) = discover(sites)
    Soak.tell("\(all.count) syncs, each of which is left out now")
    // Whatever is wrong while no sync is left out would be taken for one that is missed.
    guard failures.isEmpty else {
      return Figures(
        isGood: false, members: [("with every sync", .list(failures.map(JSON.text)))])
    }
    let found = all.filter { takes($0.key) }
    let outcomes = outcomes(without: found, sites).sorted { $0.site < $1.site }
    let seen = outcomes.count { $0.failure != nil }
    let unreached = sites.unreached()
    return Figures(
      isGood: seen == found.count && seen > 0 && unreached.isEmpty,
      members: [
        ("first seed", .number(seed)), ("syncs", .number(found.count)), ("missed", .number(seen)),
        ("score", .text("\(found.isEmpty ? 0 : 100 * seen / found.count) %")),
        ("lines that ask for a sync and were not reached", .list(unreached.map(JSON.text))),
        ("sites", .list(outcomes.map(\.json))),
      ])
  }

  /// The workload of a number.
  private func run(_ number: UInt64) -> CrashRun {
    var run = CrashRun(seed: number, acts: acts)
    run.shape = Self.shapes[Int((number &- seed) % UInt64(Self.shapes.count))]
    run.sample = CrashSample(oneIn: Self.oneIn, seed: number)
    return run
  }

  /// Where a sync happens.
  private struct Reach: Sendable {
    /// Workloads.
    var numbers: Set<UInt64> = []
    /// Scenarios, by index.
    var scenarios: Set<Int> = []
  }

  /// The places from which anything is synced, where that happens, and what is wrong though nothing is left
  /// out.
  private func discover(_ sites: SyncSites) -> ([String: Reach], failures: [String]) {
    let found = Monitor<[String: Reach]>([:])
    @Sendable func noting(
      _ note: @escaping @Sendable (inout Reach) -> Void
    ) -> @Sendable (SimulatedFileSystem) -> Void {
      { system in
        system.ignoringSync { _, _ in
          let site = sites.current()
          found.withLock { note(&$0[site, default: Reach()]) }
          return false
        }
      }
    }
    let failures = Monitor<[String]>([])
    Soak.tell("looking for syncs in \(discoveries) workloads")
    onTwoThreads(Array(seed..<seed &+ discoveries)) { number in
      var run = run(number)
      run.prepare = noting { $0.numbers.insert(number) }
      let wrong = run.run().failures
      failures.withLock { $0 += wrong }
      let count = found.withLock(\.count)
      Soak.tell("workload \(number &- seed &+ 1): \(count) syncs so far")
    }
    for (index, scenario) in Self.scenarios.enumerated() where hasScenarios {
      do {
        let failure = try scenario(noting { $0.scenarios.insert(index) })
        failures.withLock { $0 += [failure].compactMap(\.self) }
      } catch { failures.withLock { $0.append("scenario \(index): \(error)") } }
    }
    return (found.withLock { $0 }, failures.withLock { $0 })
  }

  /// Calls `body` with each of them.
  private func onTwoThreads<Item: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) -> Void
  ) {
    let left = Monitor(Array(items.reversed()))
    let work: @Sendable () -> Void = {
      while let item = left.withLock({ $0.popLast() }) { body(item) }
    }
    let helper = try? WorkerThread(name: "syncs") { work() }
    work()
    helper?.join()
  }

  private func outcomes(without found: [String: Reach], _ sites: SyncSites) -> [Outcome] {
    let outcomes = Monitor<[Outcome]>([])
    onTwoThreads(found.sorted { $0.key < $1.key }) { site, reach in
      let outcome = outcome(without: site, sites, reach)
      outcomes.withLock { $0.append(outcome) }
    }
    return outcomes.withLock { $0 }
  }

  /// Crashes machines that leave one sync out until that is noticed.
  private func outcome(without site: String, _ sites: SyncSites, _ reach: Reach) -> Outcome {
    var outcome = Outcome(site: site)
    let isLeftOut: @Sendable (SimulatedFileSystem) -> Void = {
      $0.ignoringSync { _, _ in sites.current() == site }
    }
    for index in reach.scenarios.sorted() where outcome.failure == nil {
      // Where one cannot be set up without this sync, that says nothing.
      outcome.failure = try? Self.scenarios[index](isLeftOut)
    }
    for number in reach.numbers.sorted() where outcome.images < mostImages && outcome.failure == nil
    {
      var run = run(number)
      run.prepare = isLeftOut
      let left = mostImages - outcome.images
      run.isOver = { !$0.failures.isEmpty || $0.allImages > left }
      let tally = run.run()
      outcome.images += tally.allImages
      outcome.failure = tally.failures.first
    }
    let verdict = outcome.failure == nil ? "NOT MISSED" : "missed"
    Soak.tell("\(verdict) after \(outcome.images) images: \(site)")
    return outcome
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
