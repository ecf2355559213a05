import Testing
import VarveFormat
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// What only real servers can say no to: signatures, conditions, parts, archives.
@Suite(.enabled(if: TestServer.ministack.isThere, "needs tools/s3-servers run"))
struct ServerTests {
  private static let large = pattern((64 << 20) + 12_345)

  private static func contents(_ bytes: [UInt8]) -> ObjectContent {
    let sum = bytes.withByteView(CRC32C.checksum(of:))
    return ObjectContent(count: UInt64(bytes.count), crc32c: sum) {
      range throws(ObjectStoreError) in
      Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }
  }

  @Test(arguments: TestServer.allCases.filter(\.isThere))
  func aLargeObjectIsPutInParts(_ server: TestServer) throws {
    let store = try server.store("large") { options in
      options.patience.firstByteMilliseconds = 60_000
    }
    _ = try store.put(name("big"), Self.contents(Self.large), if: .always, class: nil)
    for offset in [0, 16 << 20, (64 << 20) - 5, 33_333_333] {
      let part = try store.read(name("big"), .bytes(offset: UInt64(offset), count: 1 << 20))
      #expect(part.bytes == Array(Self.large[offset...].prefix(1 << 20)))
      #expect(part.objectSize == UInt64(Self.large.count))
    }
    #expect(try store.status(of: name("big"))?.size == UInt64(Self.large.count))
    guard server != .rclone else { return }
    #expect(
      code {
        _ = try store.put(name("big"), Self.contents(Self.large), if: .absent, class: nil)
      } == .exists)
    #expect(try store.removeUnfinished(olderThan: 0) == 0)
  }

  @Test(arguments: TestServer.allCases.filter(\.isThere))
  func prefixesMayBeOdd(_ server: TestServer) throws {
    let base = try server.options("odd")
    var options = try S3Options(
      bucket: base.bucket, prefix: base.prefix + "a b+c%20d&<é>'\"/x=y;z#(1)")
    (options.endpoint, options.region) = (base.endpoint, base.region)
    (options.credentials, options.profile) = (base.credentials, base.profile)
    let store = try S3ObjectStore(options)
    for text in ["m/1", "m/2", "n"] {
      _ = try store.put(name(text), ObjectContent([1, 2]), if: .always, class: nil)
    }
    #expect(try store.read(name("m/1"), .suffix(count: 1)).bytes == [2])
    let names = try store.list("m/", after: nil, limit: 10).entries.map(\.name.description)
    #expect(names == ["m/1", "m/2"])
    try store.remove([name("m/1"), name("m/2")])
    #expect(try store.list("", after: nil, limit: 10).entries.map(\.name.description) == ["n"])
  }

  @Test(arguments: TestServer.allCases.filter(\.isThere))
  func aWrongSecretIsDenied(_ server: TestServer) throws {
    let store = try server.store("denied") { options in
      options.credentials = .fixed(
        S3Credentials(
          accessKey: TestServer.variable("\(server.rawValue)_KEY") ?? "",
          secretKey: Secret("wrong")))
    }
    #expect(
      code { _ = try store.put(name("a"), ObjectContent([1]), if: .always, class: nil) } == .denied)
    #expect(code { _ = try store.list("", after: nil, limit: 1) } == .denied)
    #expect(code { _ = try store.status(of: name("a")) } == .denied)
  }

  @Test func aBucketThatIsNotThereIsWrong() throws {
    var options = try TestServer.ministack.options("nowhere")
    let (endpoint, credentials) = (options.endpoint, options.credentials)
    options = try S3Options("s3://no-such-bucket/p")
    (options.endpoint, options.credentials) = (endpoint, credentials)
    let store = try S3ObjectStore(options)
    #expect(
      code { _ = try store.put(name("a"), ObjectContent([1]), if: .always, class: nil) } == .invalid
    )
    #expect(code { _ = try store.list("", after: nil, limit: 1) } == .invalid)
  }

  @Test func oneOfThoseWhoRaceWins() throws {
    let store = try TestServer.ministack.store("race")
    for round in 0..<10 {
      let winners = Monitor<[UInt8]>([])
      let others = Monitor<Set<ObjectStoreError.Code>>([])
      let threads = try (0..<8).map { number in
        try WorkerThread(name: "test") {
          let code = code {
            _ = try store.put(
              name("r\(round)"), ObjectContent([UInt8(number)]), if: .absent, class: nil)
          }
          if let code {
            others.withLock { _ = $0.insert(code) }
          } else {
            winners.withLock { $0.append(UInt8(number)) }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(winners.withLock { $0.count } == 1 && others.withLock { $0 } == [.exists])
      #expect(try store.read(name("r\(round)"), .suffix(count: 9)).bytes == winners.withLock { $0 })
    }
  }

  /// The reason why opening for writing tries it out.
  @Test(.enabled(if: TestServer.rclone.isThere))
  func aServerMayIgnoreConditions() throws {
    let store = try TestServer.rclone.store("ignored")
    for byte in [UInt8(1), 2] {
      _ = try store.put(name("a"), ObjectContent([byte]), if: .absent, class: nil)
    }
    #expect(try store.read(name("a"), .suffix(count: 1)).bytes == [2])
    #expect(!store.createsAtomically)
  }

  @Test(.enabled(if: TestServer.swift.isThere))
  func aServerThatTakesAThousandNamesGetsNoMore() throws {
    let store = try TestServer.swift.store("thousand")
    _ = try store.put(name("n5"), ObjectContent([1]), if: .always, class: nil)
    try store.remove((0..<1001).map { name("n\($0)") })
    #expect(try store.status(of: name("n5")) == nil)
    #expect(
      code {
        _ = try store.put(
          name("a"), ObjectContent([1]), if: .always, class: StorageClass("STANDARD_IA"))
      } == .unsupported)
  }

  @Test func archivedObjectsAreRestored() throws {
    let store = try TestServer.ministack.store("archive")
    _ = try store.put(
      name("cold"), ObjectContent([1, 2, 3]), if: .always, class: StorageClass("GLACIER"))
    let status = try #require(try store.status(of: name("cold")))
    #expect(status.access == .archived && status.storageClass == StorageClass("GLACIER"))
    #expect(code { _ = try store.read(name("cold"), .suffix(count: 1)) } == .archived)
    try store.restore(name("cold"), days: 1)
    #expect(try store.status(of: name("cold"))?.access != .archived)
    _ = try store.put(name("warm"), ObjectContent([1, 2, 3]), if: .always, class: nil)
    try store.copy(name("warm"), to: name("ia"), class: StorageClass("STANDARD_IA"))
    #expect(try store.status(of: name("ia"))?.storageClass == StorageClass("STANDARD_IA"))
    #expect(try store.read(name("ia"), .suffix(count: 2)).bytes == [2, 3])
    #expect(code { try store.copy(name("no"), to: name("b"), class: StorageClass("X")) } == .absent)
  }

  @Test func checksumsAreKept() throws {
    let store = try TestServer.ministack.store("checksum") { options in
      options.profile = .aws
      // It computes them in Python, and reads nothing meanwhile.
      options.patience.firstByteMilliseconds = 60_000
      options.patience.stallMilliseconds = 60_000
      options.patience.requestMilliseconds = 60_000
    }
    _ = try store.put(name("a"), ObjectContent(pattern(1000)), if: .always, class: nil)
    #expect(try store.read(name("a"), .suffix(count: 1000)).bytes == pattern(1000))
    guard TestServer.variable("FAULTS") == "all" else { return }
    let big = Self.contents(Self.large)
    _ = try store.put(name("big"), big, if: .always, class: nil)
    #expect(try store.read(name("big"), .suffix(count: 10)).bytes == Array(Self.large.suffix(10)))
  }

  @Test func theRegionIsLearned() throws {
    let store = try TestServer.ministack.store("region") { $0.region = "eu-west-3" }
    _ = try store.put(name("a"), ObjectContent([1]), if: .always, class: nil)
    #expect(try store.read(name("a"), .suffix(count: 1)).bytes == [1])
  }

  /// A clock of the year 2023.
  @Test func aWrongClockIsCorrected() throws {
    var parts = S3Parts.system()
    parts.clock = SimulatedClock()
    let store = try S3ObjectStore(TestServer.ministack.options("clock"), parts)
    _ = try store.put(name("a"), ObjectContent([1]), if: .always, class: nil)
    #expect(try store.status(of: name("a"))?.size == 1)
  }

  @Test func unfinishedUploadsAreGivenUp() throws {
    let store = try TestServer.ministack.store("stale")
    var call = store.call(.post, name("never"))
    call.query = [("uploads", "")]
    for _ in 0..<3 { _ = try store.client.answer(to: call) }
    #expect(try store.removeUnfinished(olderThan: 86_400_000) == 0)
    #expect(try store.removeUnfinished(olderThan: 0) == 3)
    #expect(try store.removeUnfinished(olderThan: 0) == 0)
  }

  /// Keys of an IAM user take a role at STS, whose token the bucket verifies.
  @Test func aRoleIsTaken() throws {
    let endpoint = try #require(TestServer.variable("MINISTACK"))
    let key = try #require(TestServer.variable("MINISTACK_KEY"))
    let secret = try #require(TestServer.variable("MINISTACK_SECRET"))
    let files = [
      "/c": "[base]\naws_access_key_id=\(key)\naws_secret_access_key=\(secret)\n",
      "/d": "[profile p]\nrole_arn=arn:aws:iam::000000000000:role/r\nsource_profile=base\n",
    ]
    var parts = S3Parts.system()
    parts.surroundings = .fake(
      [
        "AWS_SHARED_CREDENTIALS_FILE": "/c", "AWS_CONFIG_FILE": "/d",
        "AWS_ENDPOINT_URL": endpoint, "AWS_PROFILE": "p",
      ], files)
    let world = CredentialWorld(
      surroundings: parts.surroundings, transport: parts.transport, clock: parts.clock)
    let found = try ProfileProvider(world: world, region: "us-east-1", name: nil).credentials()
    #expect(found?.sessionToken != nil && (found?.expires ?? 0) > parts.clock.wallMilliseconds())
  }
}
