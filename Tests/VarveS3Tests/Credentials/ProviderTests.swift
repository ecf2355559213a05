import Testing
import VarveObjects

@testable import VarveS3

/// Each way to come by credentials.
@Suite struct ProviderTests {
  private func credentials(
    _ variables: [String: String], _ files: [String: String] = [:], profile: String? = nil,
    _ answer: @escaping FakeTransport.Answer = { _, _ throws(HTTPFailure) in throw .refused }
  ) throws -> (S3Credentials?, [HTTPRequest], String) {
    let transport = FakeTransport(answer)
    let world = CredentialWorld(
      surroundings: .fake(variables, files), transport: transport, clock: SimulatedClock())
    let source = profile.map { S3CredentialSource.profile($0) } ?? .chain
    for provider in source.providers(world, region: "eu-west-1") {
      do {
        if let found = try provider.credentials() { return (found, transport.requests, "") }
      } catch { return (nil, transport.requests, error.message) }
    }
    return (nil, transport.requests, "")
  }

  private static func text(_ request: HTTPRequest) throws -> String {
    String(decoding: try request.body.content.piece(request.body.range), as: UTF8.self)
  }

  @Test func theEnvironmentComesFirst() throws {
    let (found, requests, _) = try credentials(
      [
        "AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": "T",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/",
      ])
    #expect(
      found == S3Credentials(accessKey: "K", secretKey: Secret("S"), sessionToken: Secret("T")))
    #expect(requests.isEmpty)
    #expect(try credentials(["AWS_ACCESS_KEY_ID": "K"]).0 == nil)
  }

  private static let roles = """
    <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>RK</AccessKeyId>
    <SecretAccessKey>RS</SecretAccessKey><SessionToken>RT</SessionToken>
    <Expiration>2033-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>
    """
  private static let role = S3Credentials(
    accessKey: "RK", secretKey: Secret("RS"), sessionToken: Secret("RT"),
    expires: 1_988_150_400_000)

  @Test func aWebIdentityStandsForARole() throws {
    let (found, requests, _) = try credentials(
      ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"],
      ["/token": "web token\n"]
    ) { _, _ in .with(200, [], Self.roles) }
    #expect(found == Self.role)
    let request = try #require(requests.first)
    #expect(request.address == "https://sts.eu-west-1.amazonaws.com/" && request.method == .post)
    #expect(
      try Self.text(request)
        == "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"
        + "&RoleSessionName=varve&WebIdentityToken=web%20token&Version=2011-06-15")
    #expect(request.headers["authorization"] == nil)
  }

  @Test func chinaHasItsOwnTokenService() throws {
    let surroundings = Surroundings.fake(
      ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:r"], ["/token": "t"])
    let transport = FakeTransport([.success(.with(200, [], Self.roles))])
    let world = CredentialWorld(
      surroundings: surroundings, transport: transport, clock: SimulatedClock())
    #expect(try WebIdentityProvider(world: world, region: "cn-north-1").credentials() == Self.role)
    #expect(transport.requests.map(\.origin.host) == ["sts.cn-north-1.amazonaws.com.cn"])
  }

  @Test func aWebIdentityWithoutItsFileIsAProblem() throws {
    let problem = try credentials(["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "a"]).2
    #expect(problem == "the file of the web identity's token cannot be read")
  }

  private static let files = [
    "/h/.aws/credentials": """
    # comment
    [default]
    aws_access_key_id = DK
    aws_secret_access_key=DS=with=equals
    [other]
    aws_access_key_id=OK
    aws_secret_access_key=OS
    aws_session_token = OT
    """,
    "/h/.aws/config": """
    [default]
    region = x
    s3 =
      aws_access_key_id = nested
    [profile program]
    credential_process = printf '{"Version":1,"AccessKeyId":"PK","SecretAccessKey":"PS"}'
    [profile role]
    role_arn = arn:r
    source_profile = other
    external_id = e
    role_session_name = s
    [profile loop]
    role_arn = arn:r
    source_profile = loop2
    [profile loop2]
    role_arn = arn:r
    source_profile = loop
    [profile web]
    role_arn = arn:w
    web_identity_token_file = /token
    [profile sso]
    sso_session = x
    """,
    "/token": "t",
  ]

  @Test func profilesAreRead() throws {
    let home = ["HOME": "/h"]
    #expect(
      try credentials(home, Self.files).0
        == S3Credentials(accessKey: "DK", secretKey: Secret("DS=with=equals")))
    let other = S3Credentials(
      accessKey: "OK", secretKey: Secret("OS"), sessionToken: Secret("OT"))
    #expect(try credentials(["HOME": "/h", "AWS_PROFILE": "other"], Self.files).0 == other)
    #expect(try credentials(home, Self.files, profile: "other").0 == other)
    let moved = [
      "AWS_SHARED_CREDENTIALS_FILE": "/c", "AWS_CONFIG_FILE": "/d",
      "AWS_EC2_METADATA_DISABLED": "true",
    ]
    #expect(
      try credentials(moved, ["/c": "[default]\naws_access_key_id=A\naws_secret_access_key=B"]).0?
        .accessKey == "A")
    #expect(try credentials(moved).0 == nil)
  }

  @Test func aProgramPrintsThem() throws {
    let (found, _, _) = try credentials(["HOME": "/h"], Self.files, profile: "program")
    #expect(found == S3Credentials(accessKey: "PK", secretKey: Secret("PS")))
  }

  @Test func aRoleIsTakenByAnotherProfile() throws {
    let (found, requests, _) = try credentials(["HOME": "/h"], Self.files, profile: "role") {
      _, _ in
      .with(200, [], Self.roles)
    }
    #expect(found == Self.role)
    let request = try #require(requests.first)
    #expect(
      try Self.text(request)
        == "Action=AssumeRole&RoleArn=arn%3Ar&RoleSessionName=s&ExternalId=e&Version=2011-06-15")
    #expect(
      request.headers["authorization"]?.contains(
        "Credential=OK/20231114/eu-west-1/sts/aws4_request")
        == true)
    #expect(request.headers["x-amz-security-token"] == "OT")
    #expect(
      try credentials(["HOME": "/h"], Self.files, profile: "web") { _, _ in
        .with(200, [], Self.roles)
      }.0 == Self.role)
  }

  @Test func profilesThatLeadNowhereAreProblems() throws {
    for (profile, part) in [
      ("loop", "source_profile"), ("missing", "there is no profile missing"),
      ("sso", "single sign-on"),
    ] {
      let (found, _, problem) = try credentials(["HOME": "/h"], Self.files, profile: profile)
      #expect(found == nil && problem.contains(part), "\(problem)")
    }
  }

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
