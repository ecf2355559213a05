import VarveObjects
import VarvePlatform

/// The Security Token Service: temporary credentials of a role (AssumeRole and
/// AssumeRoleWithWebIdentity of the STS API reference, version 2011-06-15).
struct TokenService: Sendable {
  let world: CredentialWorld
  let region: String

  /// For a web identity's token, which is proof by itself: the request is not signed.
  func credentials(
    role: String, session: String, webIdentity token: Secret
  ) throws(CredentialProblem) -> S3Credentials {
    let request = try request([
      ("Action", "AssumeRoleWithWebIdentity"), ("RoleArn", role), ("RoleSessionName", session),
      ("WebIdentityToken", token.revealed),
    ])
    return try credentials(from: request)
  }

  /// For other credentials.
  func credentials(
    role: String, session: String, externalID: String?, of base: S3Credentials
  ) throws(CredentialProblem) -> S3Credentials {
    var fields = [("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", session)]
    if let externalID { fields.append(("ExternalId", externalID)) }
    var request = try request(fields)
    let payload = ByteText.hexadecimal(Self.bytes(of: request.body).sha256)
    RequestSigner(service: "sts").sign(
      &request, base, region: region,
      at: CivilTime(milliseconds: world.clock.wallMilliseconds()), payload: payload)
    return try credentials(from: request)
  }

  /// The fields go in the body, where no log of addresses has them.
  private func request(_ fields: [(String, String)]) throws(CredentialProblem) -> HTTPRequest {
    let endpoint =
      world.surroundings.variable("AWS_ENDPOINT_URL_STS")
      ?? world.surroundings.variable("AWS_ENDPOINT_URL")
      ?? "https://\(RegionName.host(of: "sts", in: region))"
    guard let origin = HTTPOrigin(endpoint) else {
      throw CredentialProblem(message: "the endpoint of STS is not of the form https://host:port")
    }
    var request = HTTPRequest(.post, origin, path: "/")
    let form = (fields + [("Version", "2011-06-15")]).map { name, value in
      "\(PercentCoding.encode(name))=\(PercentCoding.encode(value))"
    }.joined(separator: "&")
    request.body = HTTPBody(Array(form.utf8))
    request.headers.set("content-type", "application/x-www-form-urlencoded")
    return request
  }

  private static func bytes(of body: HTTPBody) -> [UInt8] {
    // In memory, so that nothing fails.
    (try? body.content.piece(body.range)) ?? []
  }

  private func credentials(
    from request: HTTPRequest
  ) throws(CredentialProblem) -> S3Credentials {
    let body = try world.answer(request, from: "STS")
    guard let fields = XMLGroups(body, of: ["Credentials"])?["Credentials"].first,
      let key = fields["AccessKeyId"], let secret = fields["SecretAccessKey"],
      let token = fields["SessionToken"]
    else { throw CredentialProblem(message: "STS answered without credentials", isPassing: true) }
    return S3Credentials(
      accessKey: key, secretKey: Secret(secret), sessionToken: Secret(token),
      expires: fields["Expiration"].flatMap(CivilTime.init(document:)).map(\.milliseconds))
  }
}
