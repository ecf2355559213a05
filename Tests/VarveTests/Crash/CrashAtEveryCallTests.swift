import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A power cut before every call that changes the disk, and again at every call of the recovery.
@Suite struct CrashAtEveryCallTests {
  /// What the disk could hold is tried in the two extremes and in some random ways.
  private static let modes: [CrashMode] = [
    .durableOnly, .everything, .prefix, .pages, .sectors, .tornZeros, .tornGarbage,
    .sizeWithoutData, .renameWithoutData, .unlinkWithoutRename,
  ]

  /// Judges images of every moment of a run; what is wrong with them, and how many there were.
  private static func failures(
    of workload: CrashWorkload, seed: UInt64, on system: SimulatedFileSystem,
    everyNth: Int = 1
  ) throws -> (images: Int, failures: [String]) {
    let found = Monitor<(images: Int, failures: [String])>((0, []))
    let progress = Monitor(CrashWorkload.Progress())
    system.observeSteps { [weak system] step in
      guard let system, step.number % everyNth == 0 else { return }
      for mode in [modes[step.number % modes.count], .durableOnly] {
        let image = system.crashImage(mode, seed: seed &+ UInt64(step.number))
        let failure = workload.judge(image, workload.allowed(progress.withLock { $0 }))
        found.withLock { found in
          found.images += 1
          if let failure { found.failures.append("before \(step), \(mode): \(failure)") }
        }
      }
    }
    try workload.run(on: system, progress: progress)
    system.observeSteps(nil)
    return found.withLock { $0 }
  }

  /// Once with logs that get another life and once with such as do not.
  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func aCrashAtAnyCallLosesNothingAcknowledgedAndInventsNothing(seed: UInt64) throws {
    let system = SimulatedFileSystem(logsAreReusable: seed == 1)
    let (images, failures) = try Self.failures(
      of: CrashWorkload(varied: 40, seed: seed), seed: seed, on: system)
    #expect(images > 200)
    #expect(
      failures.isEmpty, "seed \(seed): \(failures.count) of \(images), first \(failures.prefix(3))")
  }

  /// The tests above would be worth nothing if they could not see a sync missing.
  @Test(arguments: ["log-", "segment-", "values-", "manifest-", ""])
  func aSyncThatIsLeftOutIsSeen(ofFilesNamed prefix: String) throws {
    let system = SimulatedFileSystem()
    system.ignoringSync { operation, name in
      prefix.isEmpty ? operation == .syncDirectory : operation == .sync && name.hasPrefix(prefix)
    }
    let (_, failures) = try Self.failures(
      of: CrashWorkload(varied: 40, seed: 2), seed: 2, on: system, everyNth: 2)
    #expect(!failures.isEmpty)
  }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func aCrashAtAnyCallOfARecoveryIsHarmless(seed: UInt64) throws {
    let workload = CrashWorkload(varied: 25, seed: seed)
    let found = Monitor<(images: Int, failures: [String])>((0, []))
    let progress = Monitor(CrashWorkload.Progress())
    let system = SimulatedFileSystem()
    system.observeSteps { [weak system] step in
      guard let system, step.number % 3 == Int(seed % 3) else { return }
      let first = system.crashImage(Self.modes[step.number % Self.modes.count], seed: seed)
      let reached = progress.withLock { $0 }
      first.observeSteps { [weak first] inner in
        guard let first else { return }
        let mode = Self.modes[inner.number % Self.modes.count]
        let second = first.crashImage(mode, seed: seed &+ UInt64(inner.number))
        let failure = workload.judge(second, workload.allowed(reached))
        found.withLock { found in
          found.images += 1
          if let failure {
            found.failures.append("before \(step), then before \(inner), \(mode): \(failure)")
          }
        }
      }
      let store = try? workload.open(on: first)
      first.observeSteps(nil)
      try? store?.close()
    }
    try workload.run(on: system, progress: progress)
    system.observeSteps(nil)
    let (images, failures) = found.withLock { $0 }
    #expect(images > 200)
    #expect(
      failures.isEmpty, "seed \(seed): \(failures.count) of \(images), first \(failures.prefix(3))")
  }

  /// Who died between a rename and the sync of the directory leaves a name that a power cut can still
  /// undo, while it keeps what the next process does.
  @Test(arguments: [0, 1]) func aPowerCutAfterAKillLeavesAStore(closings: Int) throws {
    let workload = CrashWorkload()
    let system = SimulatedFileSystem()
    for _ in 0..<closings {
      let store = try workload.open(on: system)
      try store.keyspace("default").put("key", "value")
      try store.close()
    }
    let failures = Monitor<[String]>([])
    system.observeSteps { [weak system] step in
      guard let killed = system?.killImage() else { return }
      killed.observeSteps { [weak killed] next in
        guard let killed else { return }
        for mode in CrashMode.allCases {
          do { try workload.open(on: killed.crashImage(mode, seed: 1)).close() } catch {
            failures.withLock { $0.append("before \(step), then \(next), \(mode): \(error)") }
          }
        }
      }
      let store = try? workload.open(on: killed)
      try? store?.keyspace("default").put("another key", "value")
      try? store?.close()
      killed.observeSteps(nil)
    }
    try workload.open(on: system).close()
    system.observeSteps(nil)
    let found = failures.withLock { $0 }
    #expect(found.isEmpty, "\(found.count), first \(found.first ?? "")")
  }
}
