import Testing
import VarveObjects

@testable import VarveS3

/// What a client learns from refusals: region, time, place, credentials.
@Suite struct LearningTests {
  private static let found = HTTPResponse.with(
    200, [("last-modified", "Fri, 24 May 2013 00:00:00 GMT")])

  private static func scope(_ request: HTTPRequest) -> String {
    let parts = request.headers["authorization"]?.split(separator: "/") ?? []
    return parts.count > 2 ? String(parts[2]) : ""
  }

  @Test(arguments: [
    HTTPResponse.with(301, [("x-amz-bucket-region", "eu-central-1")]),
    .with(400, [("x-amz-bucket-region", "eu-central-1")]),
    .error(400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>"),
  ])
  func theRegionIsLearnedOnce(_ refusal: HTTPResponse) throws {
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    let transport = FakeTransport { request, _ in
      Self.scope(request) == "eu-central-1" ? .with(200, [], page) : refusal
    }
    let store = try S3ObjectStore.fake(transport)
    for _ in 0..<2 { _ = try store.list("", after: nil, limit: 1) }
    #expect(transport.requests.map(Self.scope) == ["us-east-1", "eu-central-1", "eu-central-1"])
    #expect(transport.requests[1].origin.host == "bucket.s3.eu-central-1.amazonaws.com")
  }

  @Test func aServerThatAlwaysSaysElsewhereIsLeft() throws {
    let transport = FakeTransport { request, _ in
      .with(301, [("x-amz-bucket-region", Self.scope(request) == "a-1" ? "b-1" : "a-1")])
    }
    let store = try S3ObjectStore.fake(transport)
    #expect(code { _ = try store.status(of: name("a")) } == .invalid)
    #expect(transport.requests.count == 2)
  }

  @Test(arguments: ["", "a/b", "x.evil.example", "a\r\nb", String(repeating: "a", count: 100)])
  func aRegionThatIsNoneIsNotBelieved(_ region: String) throws {
    let transport = FakeTransport([.success(.with(301, [("x-amz-bucket-region", region)]))])
    let store = try S3ObjectStore.fake(transport)
    #expect(code { _ = try store.status(of: name("a")) } == .invalid)
    #expect(transport.requests.count == 1)
  }

  @Test func aNewBucketIsFoundWhereItSaysItIs() throws {
    let transport = FakeTransport { request, _ in
      request.origin.host == "bucket.s3-us-west-2.amazonaws.com"
        ? Self.found
        : .with(307, [("location", "https://bucket.s3-us-west-2.amazonaws.com/p/a?x=y")])
    }
    let store = try S3ObjectStore.fake(transport)
    #expect(try store.status(of: name("a")) != nil)
    let again = try #require(transport.requests.last)
    #expect(again.headers["host"] == "bucket.s3-us-west-2.amazonaws.com" && again.path == "/p/a")
  }

  @Test func aBucketInChinaIsFoundThere() throws {
    let host = "bucket.s3.cn-northwest-1.amazonaws.com.cn"
    let transport = FakeTransport { request, _ in
      request.origin.host == host ? Self.found : .with(307, [("location", "https://\(host)/p/a")])
    }
    let store = try S3ObjectStore.fake(transport) { $0.region = "cn-north-1" }
    #expect(try store.status(of: name("a")) != nil)
    #expect(transport.requests.first?.origin.host == "bucket.s3.cn-north-1.amazonaws.com.cn")
  }

  @Test(arguments: [
    "https://evil.example/p/a", "http://bucket.s3-us-west-2.amazonaws.com/p/a",
    "https://other.s3-us-west-2.amazonaws.com/p/a",
    "https://bucket.s3.evil.example/.amazonaws.com", "https://bucket.s3.evilamazonaws.com/",
    "https://bucket.s3.amazonaws.com.cn.evil.example/", "https://bucket.s3evil.amazonaws.com.cnn/",
    "https://bucket.s3.amazonaws.com:8443/",
    "https://u@bucket.s3.amazonaws.com/", "/p/a", "",
  ])
  func noOtherRedirectionIsFollowed(_ location: String) throws {
    let transport = FakeTransport([.success(.with(307, [("location", location)]))])
    let store = try S3ObjectStore.fake(transport)
    #expect(code { _ = try store.status(of: name("a")) } == .invalid)
    #expect(transport.requests.count == 1)
  }

  @Test func theServersClockIsLearned() throws {
    let transport = FakeTransport { request, _ in
      request.headers["x-amz-date"]?.hasPrefix("20130524T0000") == true
        ? .with(200, [], "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        : .error(403, "RequestTimeTooSkewed")
    }
    let store = try S3ObjectStore.fake(transport)
    // Ours is of 2023.
    #expect(try store.list("", after: nil, limit: 1).entries.isEmpty)
    #expect(try store.list("", after: nil, limit: 1).entries.isEmpty)
    #expect(transport.requests.count == 3)
  }

  @Test func aClockThatIsNeverRightEndsIt() throws {
    let transport = FakeTransport([.success(.error(403, "RequestTimeTooSkewed"))])
    let store = try S3ObjectStore.fake(transport)
    #expect(code { _ = try store.status(of: name("a")) } == .denied)
    #expect(transport.requests.count == 2)
  }

  @Test func credentialsThatRanOutAreAskedForAgain() throws {
    let transport = FakeTransport { request, _ in
      if request.path.hasPrefix("/creds") {
        return .with(200, [], #"{"AccessKeyId":"NEW","SecretAccessKey":"s","Token":"t"}"#)
      }
      return request.headers["authorization"]?.contains("Credential=NEW/") == true
        ? Self.found : .error(400, "ExpiredToken")
    }
    var options = try S3Options("s3://bucket/p")
    options.credentials = .chain
    let variables = Surroundings.fake([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/creds"
    ])
    let store = try S3ObjectStore(options, .fake(transport, variables))
    #expect(try store.status(of: name("a")) != nil)
  }

  /// An answer to HEAD does not say why; most often the object may not be seen.
  @Test func aStatusThatIsDeniedKeepsTheCredentials() throws {
    let transport = FakeTransport { request, _ in
      request.path.hasPrefix("/creds")
        ? .with(200, [], #"{"AccessKeyId":"NEW","SecretAccessKey":"s","Token":"t"}"#) : .with(403)
    }
    let variables = Surroundings.fake([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/creds"
    ])
    let store = try S3ObjectStore(
      S3Options("s3://bucket/p"), .fake(transport, clock: SimulatedClock(2013), variables))
    for _ in 0..<3 { #expect(code { _ = try store.status(of: name("a")) } == .denied) }
    #expect(transport.requests.map(\.method) == [.get, .head, .head, .head])
  }

  /// Nor that the clocks differ, but it has the server's time.
  @Test func theServersClockIsLearnedFromAStatusToo() throws {
    let transport = FakeTransport { request, _ in
      request.headers["x-amz-date"]?.hasPrefix("20130524T0000") == true
        ? Self.found : .error(403, "RequestTimeTooSkewed")
    }
    let store = try S3ObjectStore.fake(transport)
    #expect(try store.status(of: name("a")) != nil)
    #expect(transport.requests.map(\.method) == [.head, .head])
  }

  @Test func credentialsThatAreAlwaysRefusedEndIt() throws {
    let transport = FakeTransport([.success(.error(400, "ExpiredToken"))])
    let fixed = try S3ObjectStore.fake(transport)
    #expect(code { _ = try fixed.list("", after: nil, limit: 1) } == .denied)
    #expect(transport.requests.count == 1)
  }
}
