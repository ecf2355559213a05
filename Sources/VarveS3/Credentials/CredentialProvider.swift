import VarvePlatform

/// One way to come by credentials.
protocol CredentialProvider: Sendable {
  /// Nil where this way does not exist here.
  func credentials() throws(CredentialProblem) -> S3Credentials?
}

/// Why there are no credentials.
struct CredentialProblem: Error {
  /// For a person, without secrets.
  let message: String
  /// Whether it may go better the next time.
  var isPassing = false
}

/// What providers need of the world.
struct CredentialWorld: Sendable {
  var surroundings: Surroundings
  var transport: any HTTPTransport
  var clock: any Clock
  /// Ends all asking.
  var cancellation = HTTPCancellation()

  /// The answer to a request with a success, tried three times.
  func answer(_ request: HTTPRequest, from whom: String) throws(CredentialProblem) -> [UInt8] {
    var problem = ""
    for _ in 0..<3 {
      do throws(HTTPFailure) {
        let response = try transport.send(request, cancellation)
        if response.isSuccess { return response.body }
        problem = "status \(response.status)"
        if response.status < 500, response.status != 429 {
          throw HTTPFailure(kind: .invalid, message: problem)
        }
      } catch {
        problem = error.message
        switch error.kind {
        case .broken, .timeout: continue
        case .unreachable, .cancelled:
          throw CredentialProblem(message: "\(whom): \(problem)", isPassing: true)
        default: throw CredentialProblem(message: "\(whom): \(problem)", isPassing: false)
        }
      }
    }
    throw CredentialProblem(message: "\(whom): \(problem)", isPassing: true)
  }
}

/// Credentials as the metadata services and `credential_process` print them.
extension S3Credentials {
  /// - Parameter token: the member with the token; services do not agree on its name.
  init?(json: [UInt8], token: String) {
    guard let fields = JSONFields(json), let key = fields["AccessKeyId"],
      let secret = fields["SecretAccessKey"]
    else { return nil }
    self.init(
      accessKey: key, secretKey: Secret(secret), sessionToken: fields[token].map(Secret.init),
      expires: fields["Expiration"].flatMap(CivilTime.init(document:)).map(\.milliseconds))
  }
}
