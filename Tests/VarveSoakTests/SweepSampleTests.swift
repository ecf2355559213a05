import Testing

@testable import VarveSoak

/// Samples of what `tools/soak sweep` and `tools/soak faults` do with every byte and every call.
@Suite struct SweepSampleTests {
  @Test func damageToAnyFileIsNoticedAndNothingWrongIsReturned() throws {
    let figures = try CorruptionSweep(stride: 12_007, seed: 1).run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["mutations", default: 0] > 100)
  }

  @Test func damageToTheInputOfACompactionStopsItOrIsNotNeeded() throws {
    let figures = try CompactionSweep(stride: 11_003, seed: 1).run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["damages under a compaction", default: 0] > 100)
  }

  @Test func aCallThatFailsIsToldOfAndLosesNothing() throws {
    let figures = try FaultCampaign(seed: 1, stride: 11).run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["runs", default: 0] > 150)
  }
}
