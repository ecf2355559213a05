import Testing

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
    let (tested, _) = try TestedStore.simulated()
    let engine = try tested.open().engine
    let failure = try storeFailure {
      _ = try engine.write(
        { () throws(StoreError) in try Self.half(first) },
        and: { () throws(StoreError) in try Self.half(second) }, by: "half")
    }
    #expect(failure?.code == .poisoned)
  }

  @Test(arguments: fullPairs)
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
