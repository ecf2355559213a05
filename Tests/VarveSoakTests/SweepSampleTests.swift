import Testing

@testable import VarveSoak

/// Samples of what `tools/soak sweep` and `tools/soak faults` do with every byte and every call.
@Suite struct SweepSampleTests {
  @Test func damageToAnyFileIsNoticedAndNothingWrongIsReturned() throws {
    let figures = try CorruptionSweep(stride: 20_011, seed: 1).run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["mutations", default: 0] > 60)
  }

  @Test func damageToTheInputOfACompactionStopsItOrIsNotNeeded() throws {
    let figures = try CompactionSweep(stride: 20_021, seed: 1).run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["damages under a compaction", default: 0] > 50)
    #expect(figures["met by the running compaction", default: 0] > 5)
  }

  @Test func damageInABucketOrToWhatIsKeptOfItIsNoticed() throws {
    let figures = try TierSweep(stride: 2_003, seed: 1).run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["damages beside a bucket", default: 0] > 60)
  }

  @Test func aCallThatFailsIsToldOfAndLosesNothing() throws {
    var campaign = FaultCampaign(seed: 1, stride: 23)
    campaign.takes = { !$0.hasPrefix("bucket: ") }
    let figures = try campaign.run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["runs", default: 0] > 60)
  }

  @Test func aRequestThatFailsIsToldOfAndLosesNothing() throws {
    var campaign = FaultCampaign(seed: 1, stride: 17)
    campaign.takes = { Self.ofBuckets.contains($0) }
    let figures = try campaign.run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["runs", default: 0] > 15)
  }

  private static let ofBuckets = [
    "bucket: upload", "bucket: detach", "bucket: restore", "bucket: refresh a replica, forEach",
    "bucket: open, takesOver", "bucket: bucketVersions", "bucket: a replica: seek",
  ]
}
