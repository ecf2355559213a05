/// A container's credentials: ECS by a path on 169.254.170.2, EKS and others by an address ("Container
/// credential provider" of the AWS SDKs' reference).
struct ContainerProvider: CredentialProvider {
  let world: CredentialWorld

  func credentials() throws(CredentialProblem) -> S3Credentials? {
    let variable = world.surroundings.variable
    let address: String
    if let path = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      address = path.hasPrefix("/") ? "http://169.254.170.2\(path)" : ""
    } else if let whole = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      address = whole
    } else {
      return nil
    }
    var request = try Self.request(address)
    if let token = try token() { request.headers.set("authorization", token.revealed) }
    let body = try world.answer(request, from: "the container's credentials")
    guard let credentials = S3Credentials(json: body, token: "Token") else {
      throw CredentialProblem(message: "the container's service answered no credentials")
    }
    return credentials
  }

  /// A request to a server that may be asked: anyone by TLS, else this machine and the two addresses that
  /// are its own. A token for others would be given away.
  private static func request(_ address: String) throws(CredentialProblem) -> HTTPRequest {
    let allowed = [
      "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
    ]
    guard let address = HTTPAddress(address),
      address.origin.isSecure || allowed.contains(address.origin.host)
    else {
      throw CredentialProblem(message: "the container's credentials are at no allowed address")
    }
    var request = HTTPRequest(.get, address.origin, path: address.path)
    request.query = address.query
    request.isDirect = true
    return request
  }

  /// Read each time: it is renewed where it lies.
  private func token() throws(CredentialProblem) -> Secret? {
    if let path = world.surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
      guard let bytes = world.surroundings.file(path) else {
        throw CredentialProblem(message: "the file of the container's token cannot be read")
      }
      return Secret(String(decoding: bytes, as: UTF8.self))
    }
    return world.surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret.init)
  }
}
