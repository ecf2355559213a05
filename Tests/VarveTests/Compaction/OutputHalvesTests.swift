import Testing

@testable import Varve

/// Two halves that are written side by side.
@Suite struct OutputHalvesTests {
  private static let full = StoreError(.full, "no room")
  private static let poisoned = StoreError(.poisoned, "not known durable")

  /// What may have lost data must be heard of, whatever else went wrong beside it.
  @Test(arguments: [(full, poisoned), (poisoned, full), (nil, poisoned), (poisoned, nil)])
  func poisonIsNeverHiddenByAnotherFailure(_ first: StoreError?, _ second: StoreError?) throws {
    let (tested, _) = try TestedStore.simulated()
    let engine = try tested.open().engine
    let failure = try storeFailure {
      _ = try engine.write(
        { () throws(StoreError) in try Self.half(first) },
        and: { () throws(StoreError) in try Self.half(second) }, by: "half")
    }
    #expect(failure?.code == .poisoned)
  }

  @Test(arguments: [(full, nil), (nil, full)])
  func aHalfThatFailsFailsBoth(_ first: StoreError?, _ second: StoreError?) throws {
    let (tested, _) = try TestedStore.simulated()
    let engine = try tested.open().engine
    let failure = try storeFailure {
      _ = try engine.write(
        { () throws(StoreError) in try Self.half(first) },
        and: { () throws(StoreError) in try Self.half(second) }, by: "half")
    }
    #expect(failure?.code == .full)
  }

  private static func half(_ failure: StoreError?) throws(StoreError) -> SegmentOutput.Result {
    if let failure { throw failure }
    return SegmentOutput.Result()
  }
}
