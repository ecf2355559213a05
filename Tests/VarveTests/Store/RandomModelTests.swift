import Testing
import VarveTestSupport

@testable import Varve

/// Thousands of random acts against a model, on both file systems and in both read modes.
@Suite struct StoreRandomModelTests {
  /// Nil where store and model agree to the end; otherwise what to paste and what was found.
  static func problem(in setting: StoreSetting, seed: UInt64, steps: Int) throws -> String? {
    try setting.kind.withDirectory { _, fileSystem, path in
      var run = try ModelRun(setting, fileSystem, path, seed: seed)
      for step in 0..<steps {
        do {
          try run.step()
        } catch {
          return "problem(in: \(setting), seed: \(seed), steps: \(step + 1)): \(error)"
        }
      }
      try run.compareAll()
      try run.close()
      return nil
    }
  }

  /// Fewer acts on a real disk, whose syncs take their time.
  @Test(arguments: StoreSetting.allCases, 1...2 as ClosedRange<UInt64>)
  func aStoreAgreesWithItsModelAfterEveryAct(in setting: StoreSetting, seed: UInt64) throws {
    let steps = setting.kind == .simulated ? 1_500 : 100
    let problem = try Self.problem(in: setting, seed: seed, steps: steps)
    #expect(problem == nil)
  }
}
