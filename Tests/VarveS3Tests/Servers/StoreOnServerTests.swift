import Glibc
import Synchronization
import Testing
import Varve
import VarvePlatform
import VarveTestSupport

@testable import VarveS3

/// A whole store whose bucket is on a server.
@Suite(.serialized)
struct StoreOnServerTests {
  /// Options for a store whose files go into `objects`, once a second.
  static func options(_ objects: S3ObjectStore) -> StoreOptions {
    var options = StoreOptions.small
    var bucket = BucketOptions(objects)
    bucket.uploadInterval = 1
    options.bucket = bucket
    return options
  }

  private static func putGetAndReplace(_ server: TestServer) throws {
    let objects = try server.store("engine")
    try withTemporaryDirectory { directory in
      var sample = Sample(seed: 3)
      let store = try SegmentStore.open(at: "\(directory)/lost", options: options(objects))
      try sample.write(2_000, to: store)
      try store.upload()
      #expect(try store.evict() > 1_000_000)
      #expect(try sample.difference(from: store) == nil)
      #expect(try store.scrubBucket().isSound)
      try store.close()
      let found = try SegmentStore.open(
        fromBucketTo: "\(directory)/found", options: options(objects))
      #expect(try sample.difference(from: found) == nil)
      try found.close()
    }
  }

  @Test(.enabled(if: TestServer.ministack.isThere, "needs tools/s3-servers run"))
  func ministackKeepsAStore() throws { try Self.putGetAndReplace(.ministack) }

  @Test(.enabled(if: TestServer.swift.isThere, "needs tools/s3-servers run"))
  func swiftKeepsAStore() throws { try Self.putGetAndReplace(.swift) }
}

extension FaultTests {
  /// Seconds that the server is gone: 60 where the environment wants that.
  private static var outage: UInt64 {
    TestServer.variable("OUTAGE").flatMap { UInt64($0) } ?? 3
  }

  @Test func writesGoOnWhileTheServerIsGoneAndUploadsCatchUp() throws {
    let proxy = try FaultProxy()
    let objects = try proxy.store()
    let refusals = Atomic(0)
    var options = StoreOnServerTests.options(objects)
    options.onEvent = { event in
      guard case .backgroundFailure(let error) = event, error.code == .unavailable else { return }
      refusals.add(1, ordering: .relaxed)
    }
    try withTemporaryDirectory { directory in
      var sample = Sample(seed: 4)
      let store = try SegmentStore.open(at: "\(directory)/store", options: options)
      try sample.write(500, to: store)
      try store.upload()
      try proxy.set([#""do": "refuse", "times": -1"#])
      let clock = SystemClock()
      let end = clock.monotonicNanoseconds() + Self.outage * 1_000_000_000
      var rounds = 0
      while clock.monotonicNanoseconds() < end {
        let start = clock.monotonicNanoseconds()
        try store.keyspace("hot").put("round", "\(rounds)", durability: .synced)
        try sample.write(50, to: store)
        #expect(clock.monotonicNanoseconds() - start < 2_000_000_000)
        rounds += 1
        usleep(100_000)
      }
      #expect(refusals.load(ordering: .relaxed) > 0)
      #expect(try storeCode { try store.upload() } == .unavailable)
      try proxy.set([])
      try Self.awaitUploads(of: store, within: 30, clock)
      try store.close()
      let found = try SegmentStore.open(
        fromBucketTo: "\(directory)/found", options: StoreOnServerTests.options(objects))
      #expect(try found.keyspace("hot").value(for: "round") == Array("\(rounds - 1)".utf8))
      #expect(try sample.difference(from: found) == nil)
      try found.close()
    }
  }

  /// Nobody asks for them.
  private static func awaitUploads(
    of store: SegmentStore, within seconds: UInt64, _ clock: SystemClock
  ) throws {
    let end = clock.monotonicNanoseconds() + seconds * 1_000_000_000
    let before = try store.bucketStatus().version
    while true {
      let status = try store.bucketStatus()
      if status.version != before, status.waiting.files == 0 { return }
      try #require(clock.monotonicNanoseconds() < end, "\(status)")
      usleep(50_000)
    }
  }
}
