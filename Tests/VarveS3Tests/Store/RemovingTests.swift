import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

@Suite struct RemovingTests {
  private static func result(_ errors: [(String, String)] = []) -> HTTPResponse {
    let inner = errors.map { key, code in
      "<Error>\(XMLText.element("Key", key))<Code>\(code)</Code></Error>"
    }.joined()
    return .with(200, [], "<DeleteResult>\(inner)</DeleteResult>")
  }

  private func remove(
    _ count: Int, _ answer: @escaping FakeTransport.Answer
  ) throws -> (code: ObjectStoreError.Code?, requests: [HTTPRequest]) {
    let transport = FakeTransport(answer)
    let store = try S3ObjectStore.fake(transport)
    let names = (0..<count).map { name("n\($0)") }
    return (code { try store.remove(names) }, transport.requests)
  }

  private static func keys(_ body: [UInt8]) -> [String] {
    (XMLGroups(body, of: ["Object"])?["Object"] ?? []).compactMap { $0["Key"] }
  }

  @Test func namesAreRemovedAThousandAtOnce() throws {
    let outcome = try remove(2501) { _, _ in Self.result() }
    #expect(outcome.code == nil)
    let counts = try outcome.requests.map { request in
      Self.keys(try request.body.content.piece(request.body.range)).count
    }
    #expect(counts == [1000, 1000, 501])
    let first = try #require(outcome.requests.first)
    #expect(first.method == .post && first.encodedQuery == "delete=")
    let body = try first.body.content.piece(first.body.range)
    #expect(first.headers["content-md5"] == ByteText.base64(MD5.digest(of: body)))
    #expect(Self.keys(body).first == "p/n0")
    #expect(try remove(0) { _, _ in Self.result() }.requests.isEmpty)
  }

  @Test func oneIsRemovedByItself() throws {
    let outcome = try remove(1) { _, _ in .with(204) }
    #expect(outcome.code == nil && outcome.requests.map(\.method) == [.delete])
    #expect(try remove(1) { _, _ in .error(404, "NoSuchKey") }.code == nil)
    #expect(try remove(1) { _, _ in .error(404, "NoSuchBucket") }.code == .invalid)
    #expect(try remove(1) { _, _ in .with(404, [], "<html>not here</html>") }.code == .uncertain)
  }

  @Test func thoseThatFailedInPassingAreAskedForAgain() throws {
    let outcome = try remove(5) { _, body in
      Self.keys(body).count == 5
        ? Self.result([("p/n1", "InternalError"), ("p/n3", "SlowDown"), ("p/n4", "NoSuchKey")])
        : Self.result()
    }
    #expect(outcome.code == nil && outcome.requests.count == 2)
    let last = try #require(outcome.requests.last)
    #expect(try Self.keys(last.body.content.piece(last.body.range)) == ["p/n1", "p/n3"])
  }

  @Test func theBucketHasTimeBetweenTwoRounds() throws {
    let clock = SimulatedClock()
    let times = Monitor<[UInt64]>([])
    let transport = FakeTransport { request, _ in
      times.withLock { $0.append(clock.monotonicNanoseconds() / 1_000_000) }
      return request.method == .post
        ? Self.result([("p/a", "SlowDown"), ("p/b", "SlowDown")]) : .with(204)
    }
    try S3ObjectStore.fake(transport, clock: clock).remove([name("a"), name("b")])
    let between = zip(times.withLock { $0 }, times.withLock { $0.dropFirst() }).map { $1 - $0 }
    #expect(between.count == 6 && between.prefix(5).allSatisfy { $0 >= 100 }, "\(between)")
  }

  @Test func oneThatCannotBeRemovedIsNamed() throws {
    let transport = FakeTransport([
      .success(Self.result([("p/n1", "AccessDenied"), ("p/n0", "SlowDown")]))
    ])
    let store = try S3ObjectStore.fake(transport)
    do {
      try store.remove([name("n0"), name("n1")])
      Issue.record("no error")
    } catch {
      #expect(error.code == .denied && error.object == "n1")
    }
  }

  @Test func aBucketThatDoesNotKnowItIsAskedOneByOne() throws {
    let outcome = try remove(3) { request, _ in
      request.method == .post ? .error(501, "NotImplemented") : .with(204)
    }
    #expect(outcome.code == nil)
    #expect(outcome.requests.map(\.method) == [.post, .delete, .delete, .delete])
  }

  @Test func aFailureInsideASuccessIsOne() throws {
    #expect(try remove(2) { _, _ in .error(200, "InternalError") }.code == .uncertain)
    #expect(try remove(2) { _, _ in .error(200, "AccessDenied") }.code == .denied)
    #expect(try remove(2) { _, _ in .with(200, [], "<html/>") }.code == .uncertain)
  }

  @Test func aServerThatNamesOthersDoesNotKeepUsForEver() throws {
    let outcome = try remove(2) { request, _ in
      request.method == .post ? Self.result([("p/zzz", "InternalError")]) : .with(204)
    }
    #expect(outcome.code == nil && outcome.requests.count == 7)
  }

  @Test func keysAreWrittenAsText() throws {
    let transport = FakeTransport([.success(Self.result())])
    let store = try S3ObjectStore.fake(transport) { options in
      if let other = try? S3Options(bucket: "bucket", prefix: "a&b <c>") { options = other }
      options.credentials = .fixed(S3Credentials(accessKey: "K", secretKey: Secret("S")))
    }
    try store.remove([name("x"), name("y")])
    let request = try #require(transport.requests.first)
    #expect(
      try Self.keys(request.body.content.piece(request.body.range)) == ["a&b <c>/x", "a&b <c>/y"])
  }
}
