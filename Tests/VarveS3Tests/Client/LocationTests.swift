import Testing
import VarveObjects

@testable import VarveS3

/// What a store says of where it is: a store's directory notes it, and may be opened from it where the
/// environment is another.
@Suite struct LocationTests {
  /// What names a bucket, by options and by the environment, and what stands behind its address then.
  struct Case {
    var endpoint: String?
    var region: String?
    var addressing = S3Options.Addressing.automatic
    var environment: [String: String] = [:]
    let expected: String
  }

  private static let environment = [
    "AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_S3": "http://S3:80/", "AWS_REGION": "r-2",
    "AWS_DEFAULT_REGION": "r-3", "AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S",
  ]

  static let cases = [
    Case(expected: ""),
    Case(region: "eu-west-1", expected: "?region=eu-west-1"),
    Case(environment: ["AWS_REGION": "cn-north-1"], expected: "?region=cn-north-1"),
    Case(addressing: .path, expected: "?addressing=path"),
    Case(endpoint: "http://h:9000", expected: "?endpoint=http://h:9000"),
    Case(
      endpoint: "https://[::1]:9000/", addressing: .path,
      expected: "?endpoint=https://[::1]:9000&addressing=path"),
    Case(
      endpoint: "http://h", region: "r-1", addressing: .host, environment: environment,
      expected: "?endpoint=http://h&region=r-1&addressing=host"),
    Case(environment: environment, expected: "?endpoint=http://s3&region=r-2"),
    Case(
      environment: ["AWS_ENDPOINT_URL": "https://all", "AWS_DEFAULT_REGION": "r-3"],
      expected: "?endpoint=https://all&region=r-3"),
  ]

  /// Where a request for an object goes, and for which region it is signed.
  private static func request(
    _ options: S3Options, _ environment: [String: String]
  ) throws -> (location: String, address: String, region: String?) {
    var options = options
    options.credentials = .fixed(S3Credentials(accessKey: "KEY", secretKey: Secret("SECRET")))
    let transport = FakeTransport([.success(.with(404))])
    let store = try S3ObjectStore(options, .fake(transport, .fake(environment)))
    #expect(try store.status(of: name("a")) == nil)
    let request = try #require(transport.requests.first)
    let scope = request.headers["authorization"]?.split(separator: "/") ?? []
    return (store.location, request.address, scope.count > 2 ? String(scope[2]) : nil)
  }

  @Test(arguments: cases)
  func itMeansTheSameWithoutTheEnvironment(_ one: Case) throws {
    for prefix in ["", "a", "a b/c#d&e=%20+", "Ä"] {
      var options = try S3Options(bucket: "bucket", prefix: prefix)
      (options.endpoint, options.region) = (one.endpoint, one.region)
      options.addressing = one.addressing
      let first = try Self.request(options, one.environment)
      #expect(first.location == "s3://bucket/\(options.prefix)\(one.expected)")
      let again = try Self.request(S3Options(first.location), [:])
      #expect(again == first)
    }
  }

  @Test func whatItSaysComesBeforeTheEnvironment() throws {
    let options = try S3Options("s3://bucket/p?endpoint=http://h:9000&region=r-1&addressing=host")
    let found = try Self.request(options, Self.environment)
    #expect(found.address == "http://bucket.h:9000/p/a" && found.region == "r-1")
  }

  @Test func itHasNoSecrets() throws {
    let location = try Self.request(S3Options("s3://bucket/p"), Self.environment).location
    #expect(location == "s3://bucket/p/?endpoint=http://s3&region=r-2")
    var options = try S3Options("s3://bucket/p")
    options.endpoint = "http://user:password@h"
    #expect(code { _ = try S3ObjectStore(options) } == .invalid)
  }

  @Test(arguments: ["a?b", "?", "a/?region=x"])
  func aPrefixThatCouldNotBeReadBackIsRefused(_ prefix: String) {
    #expect(code { _ = try S3Options(bucket: "bucket", prefix: prefix) } == .invalid)
  }
}
