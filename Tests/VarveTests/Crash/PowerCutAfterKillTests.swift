import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// The power goes after a process was killed, and another has gone on.
@Suite struct PowerCutAfterKillTests {
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
