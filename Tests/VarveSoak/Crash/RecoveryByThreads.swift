import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Power cuts while a store recovers with threads of its own, which sync what it writes behind it.
///
/// ```
///   log, all of it synced ──> opened: segment (`SyncBehind`) | manifest | logs go ── cut ──> the same content
/// ```
enum RecoveryByThreads {
  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    let workload = workload
    let source = CrashMachine(SimulatedFileSystem())
    var run = try WorkloadRun(of: workload) { _ in try source.open(workload.opening) }
    for index in workload.acts.indices { _ = try run.perform(index) }
    let machine = source.killImage()
    try run.store.close()
    prepare(machine.disk)
    let failures = Monitor<[String]>([])
    let judge: @Sendable (String) -> Void = { place in
      for mode in CrashMode.allCases where failures.withLock({ $0.isEmpty }) {
        let image = machine.crashImage(mode, seed: 1)
        if let failure = failure(of: image, workload) {
          failures.withLock { $0.append("a recovery by threads, \(place), \(mode): \(failure)") }
        }
      }
    }
    machine.disk.observeSteps { step in judge("before \(step)") }
    var opening = workload.opening
    opening.background = .threads
    let store = try machine.open(opening)
    judge("when it is open")
    machine.disk.observeSteps(nil)
    try store.close()
    return failures.withLock { $0.first }
  }

  private static var workload: CrashWorkload {
    var shape = CrashWorkload.Shape()
    (shape.commitsOnly, shape.durability) = (true, .synced)
    return CrashWorkload(varied: 40, seed: 4, shape: shape)
  }

  private static func failure(of image: CrashMachine, _ workload: CrashWorkload) -> String? {
    do {
      let store = try image.open(workload.opening)
      let found = try CrashWorkload.content(of: store)
      try store.close()
      return found == workload.states.last ? nil : "something else is there"
    } catch { return "\(error)" }
  }
}
