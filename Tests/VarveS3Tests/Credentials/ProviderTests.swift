import Testing
import VarveObjects

@testable import VarveS3

/// Each way to come by credentials.
@Suite struct ProviderTests {
  func credentials(
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
}
