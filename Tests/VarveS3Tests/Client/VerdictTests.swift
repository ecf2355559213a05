import Testing
import VarveObjects

@testable import VarveS3

/// What each answer means, as a table.
@Suite struct VerdictTests {
  struct Case: Sendable, CustomStringConvertible {
    let status: Int
    let code: String
    let verdict: S3Verdict
    var method = HTTPRequest.Method.put
    var headers: [(String, String)] = []
    var accepts: Set<Int> = []
    var acceptedCodes: Set<String> = []
    /// The status that was sent, where the failure is inside a success.
    var outer: Int?

    init(_ status: Int, _ code: String, _ verdict: S3Verdict) {
      (self.status, self.code, self.verdict) = (status, code, verdict)
    }

    var description: String { "\(method.rawValue) \(status) \(code)" }
  }

  private static func changed(_ base: Case, _ change: (inout Case) -> Void) -> Case {
    var changed = base
    change(&changed)
    return changed
  }

  private static let again = S3Verdict.again(isUncertain: false)
  private static let unknown = S3Verdict.again(isUncertain: true)

  static let cases = [
    Case(200, "", .done), Case(204, "", .done), Case(206, "", .done),
    Case(500, "InternalError", unknown), Case(502, "", unknown), Case(503, "", unknown),
    Case(504, "", unknown), Case(520, "", unknown),
    Case(503, "SlowDown", again), Case(503, "ServiceUnavailable", unknown), Case(429, "", again),
    Case(503, "Busy", unknown), changed(Case(503, "SlowDown", unknown)) { $0.outer = 200 },
    Case(408, "RequestTimeout", again), Case(400, "RequestTimeout", again),
    Case(400, "IncompleteBody", again), Case(400, "BadDigest", again),
    Case(409, "ConditionalRequestConflict", again), Case(409, "OperationAborted", again),
    Case(501, "NotImplemented", .failed(.unsupported)), Case(405, "", .failed(.unsupported)),
    Case(400, "InvalidStorageClass", .failed(.unsupported)), Case(507, "", .failed(.full)),
    Case(403, "QuotaExceeded", .failed(.full)), Case(403, "AccessDenied", .failed(.denied)),
    Case(401, "", .failed(.denied)), Case(403, "SignatureDoesNotMatch", .failed(.denied)),
    Case(403, "InvalidObjectState", .failed(.archived)), Case(403, "", .failed(.denied)),
    Case(404, "NoSuchKey", .failed(.absent)), Case(404, "NoSuchVersion", .failed(.absent)),
    // The bucket does not say so: something before it does, or there is no bucket.
    Case(404, "", unknown), Case(404, "NotFound", unknown),
    Case(404, "NoSuchBucket", .failed(.invalid)), Case(404, "NoSuchUpload", .failed(.unavailable)),
    changed(Case(404, "", .failed(.absent))) { $0.method = .head },
    Case(410, "", .failed(.invalid)),
    Case(412, "PreconditionFailed", .failed(.invalid)), Case(400, "", .failed(.invalid)),
    Case(302, "", .failed(.invalid)), Case(304, "", .failed(.invalid)),
    Case(403, "RequestTimeTooSkewed", .otherTime), Case(400, "ExpiredToken", .otherCredentials),
    Case(301, "PermanentRedirect", .otherRegion(nil)),
    Case(307, "TemporaryRedirect", .otherRegion(nil)),
    Case(400, "AuthorizationHeaderMalformed", .otherRegion(nil)),
    changed(Case(400, "", .otherRegion("eu-west-1"))) {
      $0.headers = [("x-amz-bucket-region", "eu-west-1")]
    },
    changed(Case(403, "AccessDenied", .failed(.denied))) {
      $0.headers = [("x-amz-bucket-region", "us-east-1")]
    },
    changed(Case(403, "", .failed(.denied))) { $0.method = .head },
    changed(Case(403, "", .failed(.denied))) {
      ($0.method, $0.headers) = (.head, [("date", "Fri, 24 May 2013 00:15:00 GMT")])
    },
    changed(Case(403, "", .otherTime)) {
      ($0.method, $0.headers) = (.head, [("date", "Fri, 24 May 2013 00:15:01 GMT")])
    },
    changed(Case(400, "", .otherCredentials)) { $0.method = .head },
    changed(Case(412, "PreconditionFailed", .done)) { $0.accepts = [412] },
    changed(Case(404, "NoSuchKey", .done)) { $0.acceptedCodes = ["NoSuchKey"] },
    changed(Case(404, "", unknown)) { $0.acceptedCodes = ["NoSuchKey"] },
  ]

  @Test(arguments: cases) func answersMean(_ case: Case) {
    var call = S3Call(`case`.method, key: "k")
    call.accepts = `case`.accepts
    call.acceptedCodes = `case`.acceptedCodes
    let response = HTTPResponse(
      status: `case`.outer ?? `case`.status, headers: HTTPHeaders(`case`.headers))
    let verdict = S3Verdict(
      response, status: `case`.status, code: `case`.code, to: call, region: "us-east-1",
      at: 1_369_353_600_000)
    #expect(verdict == `case`.verdict)
  }

  @Test func aSuccessThatLacksSomethingIsGarbled() {
    var call = S3Call(.put, key: "k")
    call.isComplete = { $0.headers["etag"] != nil }
    let verdict = S3Verdict(
      HTTPResponse(status: 200), status: 200, code: "", to: call, region: "us-east-1",
      at: 1_369_353_600_000)
    #expect(verdict == .garbled)
  }

  @Test func errorsSayNothingThatATerminalObeys() {
    let document = S3ErrorDocument(
      Array("<Error><Code>A</Code><Message>a&#10;b&#27;[31mc</Message></Error>".utf8))
    // XML 1.0 has no escape character, but some servers write anything.
    #expect(!document.message.utf8.contains { $0 < 0x20 })
    // C1 controls, the two that turn text around, and line ends that are no control characters.
    for scalar in ["9b", "202e", "2066", "2028", "2029", "feff", "7f", "e0041", "200b"] {
      let document = S3ErrorDocument(
        Array("<Error><Code>A&#x\(scalar);B</Code><Message>a&#x\(scalar);b</Message></Error>".utf8))
      #expect(document.message == "a b" && document.code == "A B", "\(scalar)")
    }
    #expect(S3ErrorDocument(Array("<html>".utf8)).code == "")
    #expect(S3ErrorDocument([0xff, 0xfe]).message == "")
    let long = String(repeating: "x", count: 5000)
    #expect(
      S3ErrorDocument(Array("<Error><Message>\(long)</Message></Error>".utf8)).message.count == 300)
  }
}
