import Testing
import VarveTestSupport

@testable import Varve

/// Random operations on a store and on its model: a sample of `VarveSoak model`.
@Suite struct StoreRandomModelTests {
  /// What failed, shrunk, as a test to paste; nil where store and model agree to the end.
  private static func problem(_ seed: UInt64, _ background: StoreComponents.Background?) -> String?
  {
    let (options, operations) = OperationGenerator.run(
      seed: seed, count: background == .threads ? 60 : 250, background: background)
    guard ModelRun.outcome(of: operations, options).failure != nil else { return nil }
    return ModelRun.shrunk(operations, options, tries: 1_000)?.swift ?? "seed \(seed), once"
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func aStoreAgreesWithItsModelAfterEveryOperation(seed: UInt64) {
    #expect(Self.problem(seed, nil) == nil)
  }

  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func aStoreWithThreadsAgreesWithItsModel(seed: UInt64) {
    #expect(Self.problem(seed, .threads) == nil)
  }

  /// Few operations: the syncs of a real disk take their time.
  @Test(arguments: 31...34 as ClosedRange<UInt64>)
  func aStoreOnRealFilesAgreesWithItsModel(seed: UInt64) throws {
    let (options, operations) = OperationGenerator.run(seed: seed, count: 60)
    try FileSystemKind.posix.withDirectory { _, fileSystem, path in
      let place = ModelRun.Place(fileSystem, path + "/store")
      let failure = ModelRun.outcome(of: operations, options, at: place).failure
      #expect(failure == nil, "seed \(seed)")
    }
  }

  @Test func theSameSeedGivesTheSameTrace() {
    for seed in 20..<24 as Range<UInt64> {
      let first = OperationGenerator.run(seed: seed, count: 150)
      let second = OperationGenerator.run(seed: seed, count: 150)
      #expect(first.options == second.options && first.operations == second.operations)
      let traces = [first, second].map { ModelRun.outcome(of: $0.operations, $0.options).trace }
      #expect(traces[0] == traces[1])
      let other = OperationGenerator.run(seed: seed + 100, count: 150)
      #expect(ModelRun.outcome(of: other.operations, other.options).trace != traces[0])
    }
  }
}
