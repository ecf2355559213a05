import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// One workload, with a power cut before each of its calls, and at some before each call of the recovery
/// from that or from the end of the process alone.
///
/// ```
///   workload   step 1, 2, 3 ... k ...                 each: every way in which a disk can lose what is pending
///                           └─> image ─> recovery  step 1, 2 ...
///                                                       └─> image
///   each image: opens, holds a state between the last acknowledgement and the last call, takes a write,
///   opens again with it; now and then the verifier finds nothing either
/// ```
struct CrashRun {
  let seed: UInt64
  let acts: Int
  /// Every how many steps a recovery is crashed too.
  var recoveryEvery = 6
  /// Whether disks are judged at all.
  var isJudged = true
  /// Done to every machine that works, or recovers, while it may crash.
  var prepare: @Sendable (SimulatedFileSystem) -> Void = { _ in }
  /// Asked before each step; no more images are made once it says so.
  var isOver: @Sendable (CrashTally) -> Bool = { _ in false }

  func run() -> CrashTally {
    let workload = CrashWorkload(varied: acts, seed: seed)
    let system = SimulatedFileSystem(seed: seed, logsAreReusable: seed % 2 == 0)
    let progress = Monitor(CrashWorkload.Progress())
    let tally = Monitor(CrashTally(workloads: 1, acts: acts))
    prepare(system)
    system.observeSteps { [weak system] step in
      guard let system else { return }
      let reached = progress.withLock { $0 }
      tally.withLock { tally in
        guard !isOver(tally) else { return }
        tally.points += 1
        tally.note(UInt64(step.number) ^ hash(step))
        crash(system, before: step, workload, reached, &tally)
      }
    }
    do {
      try workload.run(on: system, progress: progress)
    } catch {
      tally.withLock { $0.failures.append("seed \(seed): the workload itself failed: \(error)") }
    }
    system.observeSteps(nil)
    return tally.withLock { $0 }
  }

  private func hash(_ step: Step) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in step.description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }

  /// Judges every way in which the machine could come back from a power cut now.
  private func crash(
    _ system: SimulatedFileSystem, before step: Step, _ workload: CrashWorkload,
    _ reached: CrashWorkload.Progress, _ tally: inout CrashTally
  ) {
    for (index, mode) in CrashMode.allCases.enumerated() {
      let seed = seed &* 1_000_003 &+ UInt64(step.number)
      if isJudged {
        let image = system.crashImage(mode, seed: seed)
        tally.note(image.fingerprint())
        if let failure = workload.judge(image, reached, isVerified: tally.images % 16 == 0) {
          tally.failures.append("seed \(self.seed), before \(step), \(mode): \(failure)")
        }
        tally.images += 1
      }
      if step.number % recoveryEvery == 0,
        index == step.number / recoveryEvery % CrashMode.allCases.count
      {
        crashRecovery(
          of: system.crashImage(mode, seed: seed), "before \(step), \(mode)", workload, reached,
          &tally)
      }
    }
    // What a process leaves between two calls of a manifest is worth a look each time.
    if step.operation == .syncDirectory || step.number % recoveryEvery == recoveryEvery / 2 {
      crashRecovery(
        of: system.killImage(seed: seed), "before \(step), killed", workload, reached, &tally)
    }
  }

  /// Lets a machine recover, with a power cut before each call of that.
  private func crashRecovery(
    of first: SimulatedFileSystem, _ moment: String, _ workload: CrashWorkload,
    _ reached: CrashWorkload.Progress, _ tally: inout CrashTally
  ) {
    let inner = Monitor(CrashTally())
    prepare(first)
    first.observeSteps { [weak first] step in
      guard let first else { return }
      inner.withLock { inner in
        inner.recoveryPoints += 1
        guard isJudged else { return }
        for part in [0, 4, 7] {
          let mode = CrashMode.allCases[(step.number + part) % CrashMode.allCases.count]
          let second = first.crashImage(mode, seed: seed &+ UInt64(step.number))
          inner.recoveryImages += 1
          if let failure = workload.judge(second, reached) {
            inner.failures.append(
              "seed \(seed), \(moment), then before \(step), \(mode): \(failure)")
          }
        }
      }
    }
    // Whether it opens was judged on its like.
    try? CrashWorkload.open(first).close()
    first.observeSteps(nil)
    tally.add(inner.withLock { $0 })
  }
}
