import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import VarveSoak

/// A power cut before every call that changes the disk, and again at every call of the recovery: a sample
/// of what `tools/soak crash` does with all of them.
@Suite struct CrashSampleTests {
  @Test func aCrashAtAnyCallOfWorkOrRecoveryLosesNothingAndInventsNothing() {
    let figures = CrashCampaign(images: 250, seed: 1).run()
    #expect(figures.isGood, "\(figures)")
    #expect(figures["images", default: 0] > 30)
    #expect(figures["images in recoveries", default: 0] > 80)
    #expect(figures["crash points in recoveries", default: 0] > 100)
  }

  /// Once with logs that get another life and once with such as do not, one disk in 80.
  @Test(arguments: [3, 4] as [UInt64])
  func otherSeedsMeetOtherLogs(seed: UInt64) {
    var run = CrashRun(seed: seed, acts: 40)
    run.sample = CrashSample(oneIn: 80, seed: seed)
    let tally = run.run()
    #expect(tally.failures.isEmpty, "\(tally.failures.count), first \(tally.failures.prefix(3))")
    #expect(tally.images > 15 && tally.recoveryImages > 15)
  }

  /// Beside a bucket, which goes on where the machine does not; and while a store is made from there.
  @Test func aBucketsStoreLosesNothing() throws {
    var run = CrashRun(seed: 3, acts: 40)
    run.shape = .tiered
    run.sample = CrashSample(oneIn: 200, seed: 3)
    let tally = run.run()
    #expect(tally.failures.isEmpty, "\(tally.failures.count), first \(tally.failures.prefix(3))")
    #expect(tally.images > 10 && tally.recoveryImages > 10)
    #expect(try CrashInRestore.failure(oneIn: 5) { _ in } == nil)
  }

  /// What the test above sees: files that go before it is durable that they may.
  @Test func aSyncOfWhatIsKnownOfTheBucketIsMissed() {
    var run = CrashRun(seed: 2, acts: 40)
    run.shape = .tiered
    run.sample = CrashSample(oneIn: 6, seed: 2)
    run.prepare = { system in
      system.ignoringSync { operation, name in operation == .sync && name.hasPrefix("bucket") }
    }
    run.isOver = { !$0.failures.isEmpty }
    #expect(!run.run().failures.isEmpty)
  }

  /// The tests above would be worth nothing if they could not see a sync missing.
  @Test(arguments: ["log-", "segment-", "values-", "manifest-", ""])
  func aSyncThatIsLeftOutIsSeen(ofFilesNamed prefix: String) {
    var run = CrashRun(seed: 2, acts: 40)
    run.sample = CrashSample(oneIn: 4, seed: 2)
    run.prepare = { system in
      system.ignoringSync { operation, name in
        prefix.isEmpty ? operation == .syncDirectory : operation == .sync && name.hasPrefix(prefix)
      }
    }
    run.isOver = { !$0.failures.isEmpty }
    #expect(!run.run().failures.isEmpty)
  }

  /// By the place that asks for it, as `tools/soak syncs` does with all of them; without them nothing is missed.
  @Test(.enabled(if: SyncSites.areNamed, "there is no llvm-symbolizer"))
  func aSyncThatIsLeftOutByItsPlaceIsMissed() {
    var mutation = SyncMutation(mostImages: 20_000, seed: 1)
    (mutation.discoveries, mutation.acts, mutation.hasScenarios) = (1, 24, false)
    // Of a manifest, and of names before and behind it.
    mutation.takes = { $0.hasPrefix("ManifestWriter") && $0.contains("Engine+Flush") }
    let figures = mutation.run()
    #expect(figures["syncs", default: 0] == 3)
    #expect(figures["missed", default: 0] == 3, "\(figures)")
  }

  @Test func aSampleSpansTheWholeWorkloadAndKeepsItsTrace() {
    let sample = CrashSample(images: 2_500, seed: 5)
    let taken = (1...16_000).filter(sample.takes(image:))
    #expect((1_200...2_000).contains(taken.count))
    for part in 0..<16 {
      #expect(taken.contains { (part * 1_000..<(part + 1) * 1_000).contains($0) })
    }
    // Each of the ways in which a disk can lose what is pending.
    let ways = CrashMode.allCases.count
    for way in 0..<ways { #expect(taken.contains { $0 % ways == way }) }
    #expect((1...100).allSatisfy { CrashSample.all.takes(recovery: $0) })
  }
}
