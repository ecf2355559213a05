import VarvePlatform

/// Signs requests by AWS Signature Version 4, as S3 has it ("Authenticating Requests: Using the
/// Authorization Header" of the S3 API reference): the path is encoded once and never normalised, and the
/// digest of the body is a signed header.
///
/// ```
///   canonical request   method, path, query, signed headers, their names, the body's digest
///   text to sign        algorithm, time, scope (day/region/service), digest of the above
///   signature           HMAC of it by a key made of secret, day, region and service
/// ```
///
/// The key is kept for a day and a region: it costs four HMACs, a signature one.
final class RequestSigner: Sendable {
  static let emptyPayload = ByteText.hexadecimal([UInt8]().sha256)
  private static let algorithm = "AWS4-HMAC-SHA256"

  private struct Scope: Hashable {
    let day: String
    let region: String
    let secretKey: Secret
  }

  private let service: String
  /// The last keys that were made: one for each region in use, and two around midnight.
  private let keys = Monitor<[Scope: Secret256]>([:])

  /// A signer for one service, such as `s3`.
  init(service: String = "s3") { self.service = service }

  /// Adds the headers `host`, `x-amz-date`, `x-amz-content-sha256`, `authorization` and, where there is a
  /// token, `x-amz-security-token`.
  ///
  /// - Parameter payload: the body's SHA-256 in hexadecimal.
  func sign(
    _ request: inout HTTPRequest, _ credentials: S3Credentials, region: String, at time: CivilTime,
    payload: String
  ) {
    request.headers.set("host", request.origin.authority)
    request.headers.set("x-amz-date", time.stamp)
    request.headers.set("x-amz-content-sha256", payload)
    if let token = credentials.sessionToken {
      request.headers.set("x-amz-security-token", token.revealed)
    }
    let signed = Self.signedHeaders(of: request)
    let names = signed.map(\.name).joined(separator: ";")
    let canonical = Self.canonicalRequest(request, signed, payload: payload)
    let signature = signature(of: canonical, credentials, region: region, at: time)
    request.headers.set(
      "authorization",
      "\(Self.algorithm) Credential=\(credentials.accessKey)/\(scope(time, region)),"
        + "SignedHeaders=\(names),Signature=\(signature)")
  }
}

// MARK: - Canonical requests

extension RequestSigner {
  /// Lower-case headers that are part of the signature, sorted: those whose value nobody between us and
  /// the bucket changes, and at least all that must be.
  static func signedHeaders(of request: HTTPRequest) -> [HTTPField] {
    let exact: Set = ["host", "content-type", "content-md5", "range", "date"]
    let beginnings = ["x-amz-", "x-goog-", "if-"]
    return request.headers.fields.filter { field in
      exact.contains(field.name) || beginnings.contains { field.name.hasPrefix($0) }
    }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  static func canonicalRequest(
    _ request: HTTPRequest, _ signed: [HTTPField], payload: String
  ) -> String {
    let headers = signed.map { "\($0.name):\(collapsed($0.value))\n" }.joined()
    let names = signed.map(\.name).joined(separator: ";")
    return [
      request.method.rawValue, request.path, request.encodedQuery, headers, names, payload,
    ].joined(separator: "\n")
  }

  /// A value without blanks around it, and with single ones in it.
  private static func collapsed(_ value: String) -> String {
    value.split(separator: " ").joined(separator: " ")
  }
}

// MARK: - Signatures

extension RequestSigner {
  /// `20130524/us-east-1/s3/aws4_request`
  private func scope(_ time: CivilTime, _ region: String) -> String {
    "\(time.day)/\(region)/\(service)/aws4_request"
  }

  func textToSign(_ canonical: String, region: String, at time: CivilTime) -> String {
    let digest = ByteText.hexadecimal(Array(canonical.utf8).sha256)
    return "\(Self.algorithm)\n\(time.stamp)\n\(scope(time, region))\n\(digest)"
  }

  private func signature(
    of canonical: String, _ credentials: S3Credentials, region: String, at time: CivilTime
  ) -> String {
    let key = key(credentials.secretKey, region: region, day: time.day)
    let text = textToSign(canonical, region: region, at: time)
    return ByteText.hexadecimal(HMACSHA256.code(key: key.bytes, text))
  }

  private func key(_ secret: Secret, region: String, day: String) -> Secret256 {
    let scope = Scope(day: day, region: region, secretKey: secret)
    if let known = keys.withLock({ $0[scope] }) { return known }
    let first = HMACSHA256.code(key: Array("AWS4\(secret.revealed)".utf8), day)
    let key = [region, service, "aws4_request"].reduce(first) { HMACSHA256.code(key: $0, $1) }
    keys.withLock { keys in
      if keys.count >= 8 { keys = [:] }
      keys[scope] = Secret256(bytes: key)
    }
    return Secret256(bytes: key)
  }
}

/// Bytes that nobody may see either.
private struct Secret256: Sendable, CustomStringConvertible, CustomReflectable {
  let bytes: [UInt8]
  var description: String { "<secret>" }
  var customMirror: Mirror { Mirror(self, children: [:]) }
}
