import Testing
import VarveObjects

@testable import VarveS3

@Suite struct EndpointTests {
  private func address(
    _ server: String?, _ bucket: String, _ addressing: S3Options.Addressing, key: String? = "p/a",
    region: String = "eu-west-1"
  ) throws -> String {
    let endpoint = try S3Endpoint(server: server, bucket: bucket, addressing: addressing)
    return endpoint.request(.get, key: key, region: region, at: nil).address
  }

  @Test func bucketsAreInTheHostOrInThePath() throws {
    #expect(
      try address(nil, "b-1", .automatic) == "https://b-1.s3.eu-west-1.amazonaws.com/p/a")
    #expect(
      try address(nil, "b.1", .automatic) == "https://s3.eu-west-1.amazonaws.com/b.1/p/a")
    #expect(
      try address(nil, "b-1", .automatic, region: "cn-north-1")
        == "https://b-1.s3.cn-north-1.amazonaws.com.cn/p/a")
    #expect(try address("http://h:9000", "b-1", .automatic) == "http://h:9000/b-1/p/a")
    #expect(try address("http://h:9000", "b-1", .host) == "http://b-1.h:9000/p/a")
    #expect(try address("https://h", "b-1", .path, key: nil) == "https://h/b-1")
    #expect(try address("https://h", "b-1", .host, key: nil) == "https://b-1.h/")
    #expect(
      try address("https://h", "b", .path, key: "a b+é//./c") == "https://h/b/a%20b%2B%C3%A9//./c")
  }

  @Test func addressesOfBucketsAreRead() throws {
    let cases = [
      ("s3://bucket", "bucket", ""), ("s3://bucket/", "bucket", ""),
      ("s3://bucket/a", "bucket", "a/"),
      ("s3://bucket/a/b/", "bucket", "a/b/"), ("s3://my.bucket_1/Ä b", "my.bucket_1", "Ä b/"),
    ]
    for (text, bucket, prefix) in cases {
      let options = try S3Options(text)
      #expect(options.bucket == bucket && options.prefix == prefix, "\(text)")
    }
    let wrong = [
      "", "bucket", "s3://", "s3://ab", "s3://b cket", "s3://bucket//a", "s3://bucket/a//b",
      "s3://bucket/../a", "s3://bucket/./a", "s3://bu@cket", "S3://bucket", "s3://bucket/a\u{7}",
      "s3://bucket?x", "https://bucket", "s3://bucket?addressing=none", "s3://bucket?endpoint=",
    ]
    for text in wrong { #expect(code { _ = try S3Options(text) } == .invalid, "\(text)") }
  }

  @Test func theEnvironmentFillsWhatIsLeftOut() throws {
    let transport = FakeTransport([.success(.with(404))])
    let variables = Surroundings.fake([
      "AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_S3": "http://s3:2",
      "AWS_DEFAULT_REGION": "r-2", "AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S",
    ])
    let store = try S3ObjectStore(S3Options("s3://bucket"), .fake(transport, variables))
    #expect(try store.status(of: name("a")) == nil)
    let request = try #require(transport.requests.first)
    #expect(request.address == "http://s3:2/bucket/a")
    #expect(request.headers["authorization"]?.contains("Credential=K/20231114/r-2/s3/") == true)
    #expect(!store.createsAtomically)
  }

  @Test func whatCannotBeMeantIsRefusedAtOnce() throws {
    var options = try S3Options("s3://bucket")
    options.endpoint = "localhost:9000"
    #expect(code { _ = try S3ObjectStore(options) } == .invalid)
    options.endpoint = nil
    options.region = "Not A Region"
    #expect(code { _ = try S3ObjectStore(options) } == .invalid)
  }

  @Test func patienceThatCannotBeMeantIsRefused() throws {
    let times: [WritableKeyPath<S3Patience, UInt64>] = [
      \.connectMilliseconds, \.firstByteMilliseconds, \.stallMilliseconds, \.requestMilliseconds,
      \.firstDelayMilliseconds, \.longestDelayMilliseconds, \.retryMilliseconds,
    ]
    for time in times {
      let wrong: [UInt64] = [.max, .max / 1_000_000 + 1, 604_800_001, 0]
      for value in wrong where value > 0 || time != times.last {
        var options = try S3Options("s3://bucket")
        options.patience[keyPath: time] = value
        #expect(code { _ = try S3ObjectStore(options) } == .invalid)
      }
    }
    var options = try S3Options("s3://bucket")
    options.patience.connectMilliseconds = 0
    options.patience.stallMilliseconds = .max
    options.patience.retryMilliseconds = 0
    // All that is wrong is said at once.
    do {
      _ = try S3ObjectStore(options)
      Issue.record("no error")
    } catch {
      #expect("\(error)".contains("connectMilliseconds") && "\(error)".contains("stallMillis"))
      #expect(!"\(error)".contains("retryMilliseconds"))
    }
  }

  @Test func profilesHaveNames() {
    for profile in S3Profile.all { #expect(S3Profile(named: profile.name) == profile) }
    #expect(S3Profile(named: "nothing") == nil)
  }
}
