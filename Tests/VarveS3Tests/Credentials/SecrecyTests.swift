import Testing
import VarveObjects

@testable import VarveS3

/// Nothing that can be printed has a secret in it: everything that holds one is described, dumped and
/// mirrored, and everything that fails is failed.
@Suite struct SecrecyTests {
  private static let canaries = ["CANARYSECRET", "CANARYTOKEN", "CANARYHOLDER"]

  private static let credentials = S3Credentials(
    accessKey: "CANARYHOLDER", secretKey: Secret("CANARYSECRET"),
    sessionToken: Secret("CANARYTOKEN"))

  /// All ways a value gets into a log.
  private static func texts(of value: some Any) -> String {
    var dumped = ""
    dump(value, to: &dumped)
    return "\(value) \(String(describing: value)) \(String(reflecting: value)) \(dumped)"
      + "\([value]) \(Optional(value) as Any) \(["k": value])"
  }

  private static func expectSilence(_ text: String, _ whose: String) {
    for canary in canaries { #expect(!text.contains(canary), "\(whose)") }
  }

  @Test func whatHoldsSecretsShowsNone() throws {
    var options = try S3Options("s3://bucket/p")
    options.credentials = .fixed(Self.credentials)
    var request = HTTPRequest(.get, HTTPOrigin(isSecure: true, host: "h"), path: "/")
    let signer = RequestSigner()
    let time = CivilTime(milliseconds: 0)
    signer.sign(&request, Self.credentials, region: "r", at: time, payload: "p")
    let store = try S3ObjectStore(options, .fake(FakeTransport([.success(.with(404))])))
    _ = try store.status(of: name("a"))
    let response = HTTPResponse.with(200, [], #"{"SecretAccessKey":"CANARYSECRET"}"#)
    let values: [Any] = [
      Self.credentials, Self.credentials.secretKey, options, options.credentials, request, signer,
      store, store.client, response, store.client.credentials, request.headers,
      FixedProvider(given: Self.credentials),
      CredentialCache([FixedProvider(given: Self.credentials)], SimulatedClock()),
    ]
    for value in values {
      Self.expectSilence(Self.texts(of: value), "\(type(of: value))")
    }
    #expect("\(Self.credentials.secretKey)" == "<secret>")
  }

  @Test func noFailureTellsASecret() throws {
    let failures: [Result<HTTPResponse, HTTPFailure>] = [
      .failure(.lost), .failure(.refused), .success(.error(403, "SignatureDoesNotMatch")),
      .success(.with(500)), .success(.with(301)), .success(.with(200)),
      .failure(HTTPFailure(kind: .invalid, message: "a header has a control character")),
    ]
    for failure in failures {
      let store = try S3ObjectStore.fake(FakeTransport([failure])) {
        $0.credentials = .fixed(Self.credentials)
      }
      let calls: [() throws -> Void] = [
        { _ = try store.put(name("a"), ObjectContent([1]), if: .absent, class: nil) },
        { _ = try store.read(name("a"), .suffix(count: 1)) },
        { _ = try store.list("", after: nil, limit: 1) }, { try store.remove([name("a")]) },
        { try store.restore(name("a"), days: 1) },
      ]
      for call in calls {
        do { try call() } catch { Self.expectSilence(Self.texts(of: error), "\(failure)") }
      }
    }
  }

  /// What a server says of a failure may repeat what was sent.
  @Test func whatAServerEchoesIsNotRepeated() throws {
    let echo = HTTPResponse.error(
      403, "SignatureDoesNotMatch",
      "<Message>The signature differs</Message><AWSAccessKeyId>CANARYHOLDER</AWSAccessKeyId>"
        + "<StringToSign>CANARYTOKEN</StringToSign>")
    let store = try S3ObjectStore.fake(FakeTransport([.success(echo)])) {
      $0.credentials = .fixed(Self.credentials)
    }
    do {
      _ = try store.list("", after: nil, limit: 1)
      Issue.record("no error")
    } catch {
      Self.expectSilence("\(error)", "the error")
      #expect("\(error)".contains("The signature differs"))
    }
    for canary in Self.canaries {
      let told = HTTPResponse.error(403, "X", "<Message>You said \(canary)</Message>")
      let store = try S3ObjectStore.fake(FakeTransport([.success(told)])) {
        $0.credentials = .fixed(Self.credentials)
      }
      do { _ = try store.list("", after: nil, limit: 1) } catch {
        Self.expectSilence("\(error)", "the error")
      }
    }
  }

  @Test func providersTellNoSecret() throws {
    let files = [
      "/h/.aws/credentials":
        "[default]\naws_access_key_id=CANARYHOLDER\naws_secret_access_key=CANARYSECRET",
      "/h/.aws/config": "[profile p]\ncredential_process = echo CANARYSECRET; exit 1",
    ]
    let world = CredentialWorld(
      surroundings: .fake(["HOME": "/h", "AWS_SECRET_ACCESS_KEY": "CANARYSECRET"], files),
      transport: FakeTransport([.success(.with(200, [], "CANARYTOKEN"))]), clock: SimulatedClock())
    for source in [S3CredentialSource.chain, .profile("p"), .profile("q")] {
      for provider in source.providers(world, region: "r") {
        do {
          if let found = try provider.credentials() {
            Self.expectSilence(Self.texts(of: found), "\(type(of: provider))")
          }
        } catch { Self.expectSilence(Self.texts(of: error), "\(type(of: provider))") }
      }
    }
  }
}
