import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A sync of the directory fails while a store is made from its bucket: names are seen that will never be durable.
/// Then power cuts while it is made again, or opened where it was made to its end.
///
/// ```
///   bucket ──> claim | file `bucket` | logs | manifest | opened          one sync of the directory fails
///              made again or opened ── cut ──> made again or opened: the same content
/// ```
enum CrashAfterFailedRestore {
  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    let workload = CrashInRestore.workload
    let source = try CrashInRestore.uploaded(by: workload)
    var failed = 0
    for call in 1..<8 {
      for seed in 0..<4 as Range<UInt64> {
        let machine = CrashMachine(SimulatedFileSystem(seed: seed), bucket: source.bucket?.copy())
        machine.disk.inject(Fault(.syncDirectory, "store", occurrence: call))
        guard (try? machine.restore(workload.opening).close()) == nil else { continue }
        failed += 1
        machine.disk.clearFaults()
        prepare(machine.disk)
        if let failure = failure(of: machine, workload) {
          return "sync \(call) of a restore failed, seed \(seed): \(failure)"
        }
      }
    }
    return failed > 8 ? nil : "only \(failed) restores failed"
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
    machine.disk.observeSteps { step in judge("before \(step)", false) }
    let store = try? CrashInRestore.restoreOrOpen(machine, workload)
    machine.disk.observeSteps(nil)
    guard let store else { return "it can neither be made again nor opened" }
    judge("at the end", true)
    try? store.close()
    return failures.withLock { $0.first }
  }
}
