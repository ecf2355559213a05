import Testing
import VarveObjects

@testable import VarveS3

/// The examples of "Authenticating Requests (AWS Signature Version 4)" of the S3 API reference.
@Suite struct SignerTests {
  private static let credentials = S3Credentials(
    accessKey: "AKIAIOSFODNN7EXAMPLE",
    secretKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
  private static let time = CivilTime(header: "Fri, 24 May 2013 00:00:00 GMT")

  private static func request(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
    HTTPRequest(
      method, HTTPOrigin(isSecure: true, host: "examplebucket.s3.amazonaws.com"), path: path)
  }

  private func authorization(
    _ request: HTTPRequest, payload: String = RequestSigner.emptyPayload
  ) throws -> String {
    var request = request
    RequestSigner().sign(
      &request, Self.credentials, region: "us-east-1", at: try #require(Self.time),
      payload: payload)
    return request.headers["authorization"] ?? ""
  }

  private func signature(
    _ request: HTTPRequest, payload: String = RequestSigner.emptyPayload
  ) throws -> String {
    String(try authorization(request, payload: payload).suffix(64))
  }

  @Test func gettingARange() throws {
    var request = Self.request(.get, "/test.txt")
    request.headers.set("Range", "bytes=0-9")
    #expect(
      try authorization(request)
        == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
  }

  @Test func putting() throws {
    var request = Self.request(
      .put, PercentCoding.encode("/test$file.text", keepsSlashes: true))
    #expect(request.path == "/test%24file.text")
    request.headers.set("Date", "Fri, 24 May 2013 00:00:00 GMT")
    request.headers.set("x-amz-storage-class", "REDUCED_REDUNDANCY")
    let payload = ByteText.hexadecimal(Array("Welcome to Amazon S3.".utf8).sha256)
    #expect(
      try signature(request, payload: payload)
        == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
  }

  @Test func aNameWithoutAValue() throws {
    var request = Self.request(.get, "/")
    request.query = [("lifecycle", "")]
    #expect(
      try signature(request)
        == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
  }

  @Test func aQueryIsSorted() throws {
    var request = Self.request(.get, "/")
    request.query = [("prefix", "J"), ("max-keys", "2")]
    #expect(
      try signature(request)
        == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
  }

  // MARK: - The edges

  @Test func everyByteButThePlainOnesIsEncodedOnce() {
    let all = String(decoding: (0...127).map { UInt8($0) }, as: UTF8.self)
    let plain = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
    let encoded = PercentCoding.encode(all)
    #expect(encoded.utf8.count == 3 * (128 - plain.utf8.count) + plain.utf8.count)
    #expect(PercentCoding.encode(plain) == plain)
    #expect(PercentCoding.encode("a b+c/d%20é\u{1f600}") == "a%20b%2Bc%2Fd%2520%C3%A9%F0%9F%98%80")
    #expect(PercentCoding.encode("/a b//./../c", keepsSlashes: true) == "/a%20b//./../c")
  }

  @Test func whatIsEncodedIsDecoded() {
    for text in ["", "a b+c/d%20é\u{1f600}", "%", "+", "a/b"] {
      #expect(PercentCoding.decode(PercentCoding.encode(text)) == text)
    }
    #expect(PercentCoding.decode("a+b%2Bc%2f") == "a b+c/")
    for broken in ["%", "%4", "%zz", "%ff", "a%c3"] { #expect(PercentCoding.decode(broken) == nil) }
  }

  @Test func aQueryIsSortedByItsEncodedForm() {
    var request = Self.request(.get, "/")
    request.query = [
      ("b", ""), ("a", "2"), ("A", "x y"), ("a", "10"), ("ä", "1"), ("a/", "+"), ("a-", "="),
    ]
    #expect(request.encodedQuery == "%C3%A4=1&A=x%20y&a=10&a=2&a%2F=%2B&a-=%3D&b=")
  }

  @Test func headersAreLowerCasedTrimmedAndSorted() throws {
    var request = Self.request(.get, "/")
    request.headers = HTTPHeaders([
      ("X-Amz-Meta-Nonce", "  a   b  "), ("If-None-Match", "*"), ("User-Agent", "u"),
      ("Content-Type", "text/plain"), ("Host", "h:8080"), ("Accept-Encoding", "gzip"),
      ("X-Goog-If-Generation-Match", "0"),
    ])
    let canonical = RequestSigner.canonicalRequest(
      request, RequestSigner.signedHeaders(of: request), payload: "p")
    #expect(
      canonical == """
        GET
        /

        content-type:text/plain
        host:h:8080
        if-none-match:*
        x-amz-meta-nonce:a b
        x-goog-if-generation-match:0

        content-type;host;if-none-match;x-amz-meta-nonce;x-goog-if-generation-match
        p
        """)
  }

  @Test func aTokenIsSigned() throws {
    var request = Self.request(.get, "/")
    var credentials = Self.credentials
    credentials.sessionToken = Secret(" token\n")
    RequestSigner().sign(
      &request, credentials, region: "us-east-1", at: try #require(Self.time),
      payload: RequestSigner.emptyPayload)
    #expect(request.headers["x-amz-security-token"] == "token")
    #expect(request.headers["authorization"]?.contains("x-amz-date;x-amz-security-token,") == true)
  }

  @Test func aKeyIsMadeForEachDayRegionAndSecret() throws {
    let signer = RequestSigner()
    func signature(_ day: String, _ region: String, _ secret: String) throws -> String {
      var request = Self.request(.get, "/")
      let time = try #require(CivilTime(header: "Fri, \(day) May 2013 00:00:00 GMT"))
      signer.sign(
        &request, S3Credentials(accessKey: "A", secretKey: Secret(secret)), region: region,
        at: time, payload: "p")
      return String(request.headers["authorization"]?.suffix(64) ?? "")
    }
    let first = try signature("24", "us-east-1", "s")
    let others = try [
      signature("25", "us-east-1", "s"), signature("24", "us-east-2", "s"),
      signature("24", "us-east-1", "t"),
    ]
    #expect(Set(others + [first]).count == 4)
    for number in 0..<40 { _ = try signature("24", "r-\(number)", "s") }
    #expect(try signature("24", "us-east-1", "s") == first)
  }

  @Test func thePortIsSignedWhereItIsNotTheUsualOne() {
    let cases = [
      ("http://h:80", "h"), ("https://h:443/", "h"), ("http://h:443", "h:443"),
      ("https://H.example:8443", "h.example:8443"), ("http://[::1]:9000", "[::1]:9000"),
    ]
    for (text, authority) in cases { #expect(HTTPOrigin(text)?.authority == authority) }
    let wrong = [
      "h", "ftp://h", "http://", "http://h/path", "http://u:p@h", "http://h:0", "http://h:x",
      "http://h:70000", "http://h h", "http://h\r\nx: y", "http://[::1", "http://[]", "http://h?a",
    ]
    for text in wrong { #expect(HTTPOrigin(text) == nil, "\(text)") }
  }
}
