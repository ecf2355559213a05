import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A sync of the directory fails while a store is made from its bucket, or closed: names are seen that will never be
/// durable. Then power cuts while it is opened again, or made again where it was not made to its end.
///
/// ```
///   bucket ──> claim | file `bucket` | logs | manifest | opened        one sync of the directory fails
///   written ──> closed: segments | manifest | predecessor goes         one sync of the directory fails
///              opened, or made again ── cut ──> the same: the same content
/// ```
enum CrashAfterFailedSync {
  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    try failureAfterClosing(prepare) ?? failureAfterRestoring(prepare)
  }

  private static func failureAfterRestoring(
    _ prepare: (SimulatedFileSystem) -> Void
  ) throws -> String? {
    let workload = CrashInRestore.workload
    let source = try CrashInRestore.uploaded(by: workload)
    return try failure("restoring", workload, prepare) { disk, fault in
      let machine = CrashMachine(disk, bucket: source.bucket?.copy())
      disk.inject(fault)
      let isDone = (try? machine.restore(workload.opening).close()) != nil
      return isDone ? nil : machine
    }
  }

  private static func failureAfterClosing(
    _ prepare: (SimulatedFileSystem) -> Void
  ) throws -> String? {
    let workload = CrashWorkload(varied: 20, seed: 6)
    return try failure("closing", workload, prepare) { disk, fault in
      let machine = CrashMachine(disk)
      var run = try WorkloadRun(of: workload) { _ in try machine.open(workload.opening) }
      for index in workload.acts.indices { _ = try run.perform(index) }
      try run.store.sync()
      disk.inject(fault)
      let isDone = (try? run.store.close()) != nil
      return isDone ? nil : machine
    }
  }

  /// - Parameter begin: gives the machine on which a sync failed; nil where none did.
  private static func failure(
    _ what: String, _ workload: CrashWorkload, _ prepare: (SimulatedFileSystem) -> Void,
    _ begin: (SimulatedFileSystem, Fault) throws -> CrashMachine?
  ) throws -> String? {
    var doubtful = 0
    for call in 1..<8 {
      for seed in 0..<4 as Range<UInt64> {
        let disk = SimulatedFileSystem(seed: seed)
        let fault = Fault(.syncDirectory, "store", occurrence: call)
        guard let machine = try begin(disk, fault) else { continue }
        disk.clearFaults()
        if manifests(disk) != manifests(disk.crashImage(.durableOnly)) { doubtful += 1 }
        prepare(disk)
        if let failure = failure(of: machine, workload) {
          return "\(what), sync \(call) failed, seed \(seed): \(failure)"
        }
      }
    }
    guard doubtful > 2 else {
      throw Violation("\(what): only \(doubtful) manifests were seen and not durable")
    }
    return nil
  }

  private static func manifests(_ disk: SimulatedFileSystem) -> [String] {
    disk.contents().keys.filter { $0.hasPrefix("store/manifest-") }.sorted()
  }

  private static func failure(of machine: CrashMachine, _ workload: CrashWorkload) -> String? {
    let failures = Monitor<[String]>([])
    let judge: @Sendable (_ place: String, _ isMade: Bool) -> Void = { place, isMade in
      for mode in CrashMode.allCases where failures.withLock({ $0.isEmpty }) {
        let image = machine.crashImage(mode, seed: 1)
        if let failure = CrashInRestore.failure(of: image, workload, isMade: isMade) {
          failures.withLock { $0.append("\(place), \(mode): \(failure)") }
        }
      }
    }
    let mayBeMade = machine.bucket != nil
    machine.disk.observeSteps { step in judge("before \(step)", !mayBeMade) }
    let store =
      mayBeMade
      ? try? CrashInRestore.restoreOrOpen(machine, workload) : try? machine.open(workload.opening)
    machine.disk.observeSteps(nil)
    guard let store else { return "it can neither be opened nor made again" }
    judge("at the end", true)
    try? store.close()
    return failures.withLock { $0.first }
  }
}
