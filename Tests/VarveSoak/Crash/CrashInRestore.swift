import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Power cuts while a store is made from its bucket on a machine that has nothing.
///
/// ```
///   bucket ──> claim | file `bucket` | logs | manifest | opened
///                    └─ cut ─> made again, or opened where it was made to its end: the same content
/// ```
enum CrashInRestore {
  private static let acts = 30

  /// What was lost; nil where nothing was.
  ///
  /// - Parameter one: of so many ways in which the machine could come back, in turns.
  static func failure(
    oneIn one: Int = 1, preparing prepare: (SimulatedFileSystem) -> Void
  ) throws -> String? {
    let workload = workload
    let machine = try uploaded(by: workload).elsewhere()
    prepare(machine.disk)
    let failures = Monitor<[String]>([])
    let judge: @Sendable (_ place: String, _ number: Int, _ isMade: Bool) -> Void = {
      place, number, isMade in
      for (index, mode) in CrashMode.allCases.enumerated()
      where failures.withLock({ $0.isEmpty }) && (number + index) % one == 0 {
        let image = machine.crashImage(mode, seed: 1)
        if let failure = failure(of: image, workload, isMade: isMade) {
          failures.withLock { $0.append("a restore, \(place), \(mode): \(failure)") }
        }
      }
    }
    machine.disk.observeSteps { step in judge("before \(step)", step.number, false) }
    // Where it cannot be made without some sync, that says nothing.
    let store = try? machine.restore(workload.opening)
    machine.disk.observeSteps(nil)
    if store != nil { judge("at the end", 0, true) }
    try? store?.close()
    return failures.withLock { $0.first }
  }

  /// A machine that has put everything into its bucket.
  static func uploaded(by workload: CrashWorkload) throws -> CrashMachine {
    let source = CrashMachine(SimulatedFileSystem(), bucket: SimulatedBucket())
    try workload.run(on: source, progress: Monitor(CrashWorkload.Progress()))
    return source
  }

  /// Everything in the bucket, the last of it in logs.
  static var workload: CrashWorkload {
    var workload = CrashWorkload(varied: acts, seed: 5, shape: .tiered)
    workload.add(.upload)
    for number in 0..<3 {
      workload.add(.commit([("default", Array("last \(number)".utf8), [1, 2, 3])], .remote))
    }
    return workload
  }

  static func failure(
    of image: CrashMachine, _ workload: CrashWorkload, isMade: Bool
  ) -> String? {
    do {
      let store = try isMade ? image.open(workload.opening) : restoreOrOpen(image, workload)
      guard try CrashWorkload.content(of: store) == workload.states.last else {
        return "something else is there"
      }
      try store.close()
      return nil
    } catch { return "\(error)" }
  }

  static func restoreOrOpen(
    _ image: CrashMachine, _ workload: CrashWorkload
  ) throws -> SegmentStore {
    do { return try image.restore(workload.opening) } catch let error as StoreError {
      guard error.code == .exists else { throw error }
      return try image.open(workload.opening)
    }
  }
}
