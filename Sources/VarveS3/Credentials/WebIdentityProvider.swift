/// A role for whom a token in a file vouches (Kubernetes' service accounts).
struct WebIdentityProvider: CredentialProvider {
  let world: CredentialWorld
  let region: String

  func credentials() throws(CredentialProblem) -> S3Credentials? {
    let variable = world.surroundings.variable
    guard let path = variable("AWS_WEB_IDENTITY_TOKEN_FILE"), let role = variable("AWS_ROLE_ARN")
    else { return nil }
    return try Self.credentials(
      tokenPath: path, role: role, session: variable("AWS_ROLE_SESSION_NAME"), world, region)
  }

  /// The token is read each time: it is renewed where it lies.
  static func credentials(
    tokenPath: String, role: String, session: String?, _ world: CredentialWorld, _ region: String
  ) throws(CredentialProblem) -> S3Credentials {
    guard let bytes = world.surroundings.file(tokenPath) else {
      throw CredentialProblem(message: "the file of the web identity's token cannot be read")
    }
    return try TokenService(world: world, region: region).credentials(
      role: role, session: session ?? "varve",
      webIdentity: Secret(String(decoding: bytes, as: UTF8.self)))
  }
}
