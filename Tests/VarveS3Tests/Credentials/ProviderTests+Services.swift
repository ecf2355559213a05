import Testing
import VarveObjects

@testable import VarveS3

/// Services that give credentials to containers and machines.
extension ProviderTests {
  private static let json =
    #"{"Code":"Success","AccessKeyId":"CK","SecretAccessKey":"CS","Token":"CT","Expiration":"2033-01-01T00:00:00Z"}"#
  private static let temporary = S3Credentials(
    accessKey: "CK", secretKey: Secret("CS"), sessionToken: Secret("CT"), expires: 1_988_150_400_000
  )

  @Test func aContainerIsAsked() throws {
    let (found, requests, _) = try credentials([
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/c?id=1",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN": "auth",
    ]) { _, _ in .with(200, [], Self.json) }
    #expect(found == Self.temporary)
    let request = try #require(requests.first)
    #expect(request.address == "http://169.254.170.2/v2/c?id=1" && request.isDirect)
    #expect(request.headers["authorization"] == "auth")
    let file = try credentials(
      [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/v1",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/t",
      ], ["/t": "filed\n"]
    ) { _, _ in .with(200, [], Self.json) }
    #expect(file.1.first?.headers["authorization"] == "filed")
  }

  @Test(arguments: [
    "http://evil.example/c", "http://169.254.170.2.evil.example/", "ftp://localhost/",
    "http://10.0.0.1/", "http://localhost@evil.example/", "http://localhost#@evil.example/",
    "http://localhost\\@evil.example/", "http://169.254.170.2:80@evil.example/", "http://",
    "http://localhost/#a", "http://localhost/%zz?%", "http://localhost/a b", "http:///a", "/a", "",
  ])
  func noStrangerIsAsked(_ address: String) throws {
    let (found, requests, problem) = try credentials([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": address, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "auth",
    ])
    #expect(found == nil && requests.isEmpty && problem.contains("no allowed address"))
  }

  /// What follows the host never becomes a part of it.
  @Test(arguments: [
    "http://169.254.170.2?@evil.example", "http://169.254.170.2/@evil.example",
    "http://localhost?=",
    "http://localhost/?=&a&=b&c=d=e", "http://[::1]?.evil.example/",
  ])
  func theHostIsTheOneThatIsNamed(_ address: String) throws {
    let (found, requests, problem) = try credentials([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": address
    ]) { _, _ in .with(200, [], Self.json) }
    #expect(found == Self.temporary, "\(problem)")
    let request = try #require(requests.first)
    #expect(["169.254.170.2", "localhost", "[::1]"].contains(request.origin.host))
    #expect(request.address.hasPrefix(request.origin.address + "/"))
  }

  @Test(arguments: ["@evil.example/", ".evil.example/", "", "a", ":80/", "?a"])
  func aPathBeginsWithASlash(_ path: String) throws {
    let (found, requests, problem) = try credentials([
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": path, "AWS_EC2_METADATA_DISABLED": "true",
    ])
    #expect(found == nil && requests.isEmpty && problem.contains("no allowed address"))
  }

  @Test func theMachineIsAskedLast() throws {
    let (found, requests, _) = try credentials([:]) { request, _ in
      switch request.path {
      case "/latest/api/token": .with(200, [], "IMDS")
      case "/latest/meta-data/iam/security-credentials/": .with(200, [], "my role\nother")
      case "/latest/meta-data/iam/security-credentials/my-role": .with(200, [], Self.json)
      default: .with(404)
      }
    }
    // A role's name with a blank is none.
    #expect(found == nil && requests.count == 2)
    let (good, asked, _) = try credentials([:]) { request, _ in
      request.method == .put
        ? .with(200, [], "IMDS")
        : request.path.hasSuffix("/")
          ? .with(200, [], "role") : .with(200, [], Self.json)
    }
    #expect(good == Self.temporary)
    #expect(asked.map(\.origin.host) == Array(repeating: "169.254.169.254", count: 3))
    #expect(asked[0].headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600")
    #expect(asked[1].headers["x-aws-ec2-metadata-token"] == "IMDS")
    #expect(asked.allSatisfy { $0.limits.connect == 1_000_000_000 && $0.isDirect })
    #expect(try credentials(["AWS_EC2_METADATA_DISABLED": "true"]).1.isEmpty)
  }

  /// Who does not answer may answer the next time; who says no has said it.
  @Test(
    arguments: [
      (.failure(.refused), .unavailable), (.failure(.lost), .unavailable),
      (.failure(HTTPFailure(kind: .timeout, message: "late")), .unavailable),
      (.success(.with(500)), .unavailable), (.success(.with(503)), .unavailable),
      (.success(.with(404)), .denied), (.success(.with(403)), .denied),
    ] as [(Result<HTTPResponse, HTTPFailure>, ObjectStoreError.Code)])
  func whoDoesNotAnswerMayAnswerLater(
    _ answer: Result<HTTPResponse, HTTPFailure>, _ outcome: ObjectStoreError.Code
  ) throws {
    for address in [nil, "http://localhost/c"] {
      let variables = address.map { ["AWS_CONTAINER_CREDENTIALS_FULL_URI": $0] } ?? [:]
      let parts = S3Parts.fake(FakeTransport([answer]), .fake(variables))
      let store = try S3ObjectStore(S3Options("s3://bucket"), parts)
      #expect(code { _ = try store.status(of: name("a")) } == outcome)
    }
  }
}
