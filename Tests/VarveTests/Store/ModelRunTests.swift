import Testing
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// That a run fails where store and model differ, and that what is printed for it can be pasted.
@Suite struct ModelRunTests {
  /// As a failing run is printed: one of every kind of operation, so that the text goes on compiling.
  // swift-format-ignore
  @Test func storeAndModelAgree() {
    let options = ModelOptions(seed: 7, policies: [ModelPolicy(compression: .zstd(level: 1), blockBytes: 4096, largeValueBytes: 64, valueAlignment: 64, filterBits: 4, timeToLive: 2400, valueBytes: 40), ModelPolicy(compression: .none), ModelPolicy()], memTableBytes: 65536, segmentBytes: 65536, firstLogBytes: 4096, memoryBudget: 67108864, writeRate: 1048576, readMode: .buffered, background: .none, logsAreReusable: false)
    let operations: [ModelOperation] = [
      .makeKeyspace(1),
      .dropKeyspace(2),
      .put(1, key: 3, .noise(40, 9), .lasting(milliseconds: 300), .buffered),
      .put(0, key: 17, .text(5000, 1), .usual, .synced),
      .delete(0, key: 4, .buffered),
      .commit([.put(1, key: 16, .noise(40, 1), .until(milliseconds: -200)), .delete(0, key: 3)], .synced),
      .takeSnapshot(1),
      .get(1, key: 3, at: nil),
      .getMany(0, keys: [1, 17], at: 1),
      .scan(0, .between(0, 40), .descending, keysOnly: true, at: 1),
      .openCursor(2, on: 0, .like(17), .ascending, at: nil),
      .moveCursor(2, [.next, .previous, .seek(17), .refresh]),
      .sync,
      .flush,
      .compact,
      .pause,
      .resume,
      .pass(milliseconds: -100),
      .scan(1, .all, .ascending, keysOnly: false, at: nil),
      .closeCursor(2),
      .closeSnapshot(1),
      .reopen,
      .kill,
      .crash(afterCalls: 3, .tornOld, seed: 5),
      .put(0, key: 19, .text(10, 1), .usual, .synced),
      .lent(.put(1, key: 18, .noise(40, 2), .usual, .buffered)),
      .lent(.put(0, key: 18, .vector(10, 2), .lasting(milliseconds: 900), .synced)),
      .lent(.delete(1, key: 16, .buffered)),
      .lent(.commit([.put(1, key: 20, .noise(40, 3), .until(milliseconds: 900)), .put(0, key: 21, .text(3, 3), .usual), .delete(0, key: 19)], .buffered)),
      .lent(.get(1, key: 18, at: nil)),
      .openCursor(1, on: 0, .all, .descending, at: nil),
      .lent(.moveCursor(1, [.seek(19), .next])),
      .commitReused([.put(0, key: 30, .text(2, 2), .usual), .put(1, key: 30, .text(2, 2), .usual), .delete(0, key: 18)], then: [.put(0, key: 31, .text(2, 1), .usual)], .synced),
      .scanBetween(0, from: 40, to: 1, .descending, at: nil),
      .approximateSize(1, .from(17)),
      .openForReading(afterKill: false),
      .openForReading(afterKill: true),
      .compareAll,
    ]
    let outcome = Self.agreed("storeAndModelAgree", options, operations)
    #expect(outcome.powerCuts == 1)
  }

  /// The same of what is done with vectors, tasks and a bucket.
  // swift-format-ignore
  @Test func storeWithABucketAndModelAgree() {
    let options = ModelOptions(policies: [ModelPolicy(valueAlignment: 64, valueBytes: 40), ModelPolicy(), ModelPolicy()], bucket: ModelBucket(hasLogs: true, diskCacheBytes: 65536))
    let operations: [ModelOperation] = [
      .makeKeyspace(1),
      .makeWrongVectors(dimension: -1),
      .put(1, key: 20, .vector(10, 1), .usual, .remote),
      .put(1, key: 21, .vector(11, 1), .usual, .remote),
      .commit([.put(1, key: 21, .vector(10, 2), .lasting(milliseconds: 900)), .put(0, key: 22, .noise(70001, 0), .usual)], .buffered),
      .takeSnapshot(0),
      .getVector(1, key: 20, .float, at: nil),
      .getVector(0, key: 22, .half, at: 0),
      .scanVectors(1, .all, .descending, .byte, at: 0),
      .scanVectors(0, .from(16), .ascending, .double, at: nil),
      .fetch(1, keys: [20, 21, 22], at: 0),
      .scanOnThread(1, at: nil),
      .upload,
      .syncRemotely,
      .openReplica,
      .makeCheckpoint(0),
      .evict(keeping: 0),
      .outage(afterRequests: 0, .answerLost),
      .getVector(1, key: 20, .float, at: nil),
      .fetch(1, keys: [20, 21], at: nil),
      .put(0, key: 23, .noise(2000, 1), .usual, .remote),
      .reopen,
      .endOutage,
      .lookAtBucket,
      .openAlone,
      .openWithBucket(isNew: false),
      .upload,
      .refreshReplica,
      .prefetch(most: 1000),
      .prefetchAll,
      .pauseUploads,
      .resumeUploads,
      .delete(0, key: 23, .buffered),
      .upload,
      .collect(graceSeconds: 0),
      .compareReplica,
      .compareElsewhere(.newest),
      .compareElsewhere(.earlier(1)),
      .compareElsewhere(.checkpoint(0)),
      .moveElsewhere(.checkpoint(0)),
      .removeCheckpoint(0),
      .prefetchAll,
      .loseCopy(1),
      .evict(keeping: 0),
      .scrub(isDeep: true, repairs: true),
      .put(0, key: 24, .text(9, 1), .usual, .remote),
      .crash(afterCalls: 0, .durableOnly, seed: 0),
      .prefetchAll,
      .detach,
      .put(0, key: 25, .text(9, 1), .usual, .remote),
      .openWithBucket(isNew: true),
      .upload,
    ]
    let outcome = Self.agreed("storeWithABucketAndModelAgree", options, operations)
    #expect(outcome.tally.evictions == 1)
    #expect(outcome.tally.elsewhere == 5)
    #expect(outcome.tally.replicas >= 3)
  }

  /// What comes of operations on which store and model agree, twice the same; they are printed as they stand here.
  private static func agreed(
    _ name: String, _ options: ModelOptions, _ operations: [ModelOperation]
  ) -> ModelRun.Outcome {
    let outcome = ModelRun.outcome(of: operations, options)
    #expect(outcome.failure == nil)
    #expect(ModelRun.outcome(of: operations, options).trace == outcome.trace)
    expectPrinted(name, options, operations)
    return outcome
  }

  /// Each line that is printed must stand in this file, which compiles.
  private static func expectPrinted(
    _ name: String, _ options: ModelOptions, _ operations: [ModelOperation]
  ) {
    let source = text(of: #filePath)
    let lines = swiftTest(named: name, options, operations).split(separator: "\n")
    #expect(lines.count == operations.count + 7)
    for line in lines.dropLast(2) {
      #expect(source.contains(line.drop { $0 == " " }), "\(line)")
    }
  }

  @Test func whatAStoreMustRefuseIsRefused() {
    let options = ModelOptions(policies: [
      ModelPolicy(valueBytes: 40), ModelPolicy(), ModelPolicy(),
    ])
    let operations: [ModelOperation] = [
      .makeKeyspace(1), .put(1, key: 3, .text(39, 1), .usual, .synced),
      .commit([.put(1, key: 3, .text(40, 1), .usual)], .synced), .dropKeyspace(1),
      .put(1, key: 3, .text(40, 1), .usual, .synced), .get(1, key: 3, at: nil), .dropKeyspace(0),
    ]
    #expect(ModelRun.outcome(of: operations, options).failure == nil)
  }

  /// A replica keeps a snapshot while it goes on: what was collected is too old, and files that come again, since the
  /// store went back to an earlier version, outlive it. Which versions it takes one of goes by their numbers.
  @Test(arguments: 0..<4) func aReplicaAndItsSnapshotsAgree(uploadsBefore: Int) {
    let options = ModelOptions(bucket: ModelBucket())
    func values(_ seed: Int) -> [ModelOperation] {
      (20..<40).map { .put(0, key: $0, .noise(9_000, seed), .usual, .buffered) }
    }
    func next(_ seed: Int) -> [ModelOperation] {
      [.put(0, key: seed, .text(9, seed), .usual, .buffered), .upload, .refreshReplica]
    }
    var operations = (0..<uploadsBefore).flatMap(next) + values(1)
    operations += [.compact, .upload, .openReplica]
    operations += values(2) + [.compact, .upload, .refreshReplica, .compareReplica]
    operations += [.moveElsewhere(.earlier(1)), .upload, .refreshReplica]
    operations += (0..<6).flatMap(next) + values(3)
    operations += [.compact, .upload, .collect(graceSeconds: 0), .refreshReplica, .compareReplica]
    let outcome = ModelRun.outcome(of: operations, options)
    #expect(outcome.failure == nil)
    #expect(outcome.tally.replicaSnapshots >= 5)
  }

  /// Without a bucket each thing that needs one is refused, and a write is done all the same.
  @Test func whatNeedsABucketIsRefusedWithoutOne() {
    let operations: [ModelOperation] = [
      .put(0, key: 20, .text(3, 1), .usual, .remote), .upload, .evict(keeping: 0), .prefetchAll,
      .collect(graceSeconds: 0), .scrub(isDeep: true, repairs: false), .makeCheckpoint(0),
      .removeCheckpoint(0), .lookAtBucket, .syncRemotely, .get(0, key: 20, at: nil),
      .crash(afterCalls: 0, .durableOnly, seed: 0), .compareAll,
    ]
    #expect(ModelRun.outcome(of: operations, ModelOptions()).failure == nil)
  }

  /// On a disk that says it syncs and does not, a power cut takes what was acknowledged: that is seen, and
  /// shrunk to the write and the cut.
  @Test func aLostWriteIsSeenAndShrunk() throws {
    let lying: @Sendable (SimulatedFileSystem) -> Void = { disk in
      disk.ignoringSync { operation, name in operation == .sync && name.hasPrefix("log-") }
    }
    var (options, random) = OperationGenerator.run(seed: 3, count: 60)
    // Another disk would not lie.
    options.bucket = nil
    let operations =
      random.filter { !["plan a power cut", "kill"].contains($0.name) } + [
        .put(0, key: 30, .text(20, 1), .usual, .synced),
        .crash(afterCalls: 0, .durableOnly, seed: 1),
      ]
    #expect(ModelRun.outcome(of: operations, options).failure == nil)
    let small = try #require(ModelRun.shrunk(operations, options, preparing: lying))
    #expect(small.operations.count == 2, "\(small.swift)")
    #expect(small.options == ModelOptions())
  }
}
