/// The role of an EC2 machine, by its metadata service, version 2: a token first, which no forwarded
/// request can get ("Use the Instance Metadata Service" of the EC2 guide).
struct MachineProvider: CredentialProvider {
  let world: CredentialWorld

  private static let origin = HTTPOrigin(isSecure: false, host: "169.254.169.254")
  private static let folder = "/latest/meta-data/iam/security-credentials/"

  func credentials() throws(CredentialProblem) -> S3Credentials? {
    let variable = world.surroundings.variable
    guard variable("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" else { return nil }
    guard let token = try token() else { return nil }
    let role = try text(at: Self.folder, token).split(whereSeparator: \.isNewline).first ?? ""
    guard !role.isEmpty, role.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") })
    else { throw CredentialProblem(message: "this machine has no role") }
    let json = try text(at: Self.folder + PercentCoding.encode(String(role)), token)
    guard let credentials = S3Credentials(json: Array(json.utf8), token: "Token") else {
      throw CredentialProblem(message: "the machine's metadata service answered no credentials")
    }
    return credentials
  }

  /// Nil where who answers knows no such service: this is no such machine. That nobody answers may be for a
  /// moment only.
  private func token() throws(CredentialProblem) -> Secret? {
    var request = request(.put, "/latest/api/token")
    request.headers.set("x-aws-ec2-metadata-token-ttl-seconds", "21600")
    let response: HTTPResponse
    do throws(HTTPFailure) {
      response = try world.transport.send(request, world.cancellation)
    } catch { throw Self.silence(error.message) }
    if response.status >= 500 { throw Self.silence("status \(response.status)") }
    guard response.isSuccess, !response.body.isEmpty else { return nil }
    return Secret(String(decoding: response.body, as: UTF8.self))
  }

  private static func silence(_ why: String) -> CredentialProblem {
    CredentialProblem(
      message:
        "no credentials were found, and the machine's metadata service does not answer: \(why)",
      isPassing: true)
  }

  private func text(at path: String, _ token: Secret) throws(CredentialProblem) -> String {
    var request = request(.get, path)
    request.headers.set("x-aws-ec2-metadata-token", token.revealed)
    return String(
      decoding: try world.answer(request, from: "the machine's metadata"), as: UTF8.self)
  }

  private func request(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
    let address = world.surroundings.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    var request = HTTPRequest(method, address.flatMap { HTTPOrigin($0) } ?? Self.origin, path: path)
    request.isDirect = true
    // Next door, or not there at all.
    request.limits.connect = 1_000_000_000
    request.limits.firstByte = 1_000_000_000
    request.limits.total = 2_000_000_000
    return request
  }
}
