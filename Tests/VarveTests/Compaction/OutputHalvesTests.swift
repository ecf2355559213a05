import Testing
import VarveTestSupport

@testable import Varve

/// Two halves that are written side by side.
@Suite struct OutputHalvesTests {
  private static let full = StoreError(.full, "no room")
  private static let poisoned = StoreError(.poisoned, "not known durable")

  private static let poisonedPairs: [(StoreError?, StoreError?)] = [
    (full, poisoned), (poisoned, full), (nil, poisoned), (poisoned, nil),
  ]
  private static let fullPairs: [(StoreError?, StoreError?)] = [(full, nil), (nil, full)]

  /// What may have lost data must be heard of, whatever else went wrong beside it.
  @Test(arguments: poisonedPairs)
  func poisonIsNeverHiddenByAnotherFailure(_ first: StoreError?, _ second: StoreError?) throws {
    #expect(try Self.failure(first, second)?.code == .poisoned)
  }

  @Test(arguments: fullPairs)
  func aHalfThatFailsFailsBoth(_ first: StoreError?, _ second: StoreError?) throws {
    #expect(try Self.failure(first, second)?.code == .full)
  }

  /// What is thrown where the halves fail with these.
  private static func failure(_ first: StoreError?, _ second: StoreError?) throws -> StoreError? {
    let store = try TestedStore.simulated().store.open()
    let failure = try storeFailure {
      _ = try store.engine.write(
        { () throws(StoreError) in try half(first) },
        and: { () throws(StoreError) in try half(second) }, by: "half")
    }
    try store.close()
    return failure
  }

  private static func half(_ failure: StoreError?) throws(StoreError) -> SegmentOutput.Result {
    if let failure { throw failure }
    return SegmentOutput.Result()
  }
}
