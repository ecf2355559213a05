import VarveObjects

/// One request to a bucket, and what of its answer is worth what: tried again, signed again and judged by
/// ``S3Client``.
struct S3Call: Sendable {
  var method: HTTPRequest.Method
  /// The object's key, prefix and all; nil for the bucket.
  var key: String?
  /// What errors call the object.
  var object: String?
  var query: [(String, String)] = []
  var headers = HTTPHeaders()
  var body = HTTPBody()
  /// The body's SHA-256.
  var digest: [UInt8]?
  /// The body's CRC-32C, where it is a part of some content and was taken.
  var crc32c: UInt32?
  /// Whether it changes what is in the bucket: then a lost answer leaves it uncertain.
  var changes = false
  /// Whether libcurl must not repeat it by itself, which it tells nobody.
  var isSentOnce = false
  /// Statuses that are answers and no failures.
  var accepts: Set<Int> = []
  /// Codes of errors that are answers and no failures: what a status means is in them.
  var acceptedCodes: Set<String> = []
  /// Whether a success may be a failure by its body (`<Error>` in answers that were begun early).
  var mayFailInside = false
  /// Bytes of the answer's body at most, and those that are expected.
  var bodyLimit = 1 << 20
  /// Whether the bucket works for long before it answers, or says now and then that it still does.
  var isWork = false
  /// How many calls like it share the way to the bucket.
  var shares = 1
  /// How long it is tried again, in ms, where that is shorter than usual.
  var mostRetryMilliseconds: UInt64 = .max
  var isHedged = false
  /// Whether a success says all it must; if not it was cut or garbled on its way.
  var isComplete: @Sendable (HTTPResponse) -> Bool = { _ in true }

  init(_ method: HTTPRequest.Method, key: String?, object: String? = nil) {
    self.method = method
    self.key = key
    self.object = object
  }

  /// How long so many bytes may take: a second for each MiB of all who share the way.
  func nanoseconds(for bytes: UInt64) -> UInt64 {
    min(bytes >> 20, 1 << 20) * 1_000_000_000 * UInt64(max(1, shares))
  }

  /// Gives it a body that is in memory.
  mutating func send(_ bytes: [UInt8], type: String = "application/xml") {
    body = HTTPBody(bytes)
    digest = bytes.sha256
    headers.set("content-type", type)
  }
}

/// What a bucket answered in the end.
struct S3Answer: Sendable {
  let response: HTTPResponse
  /// The status, or what it would have been where a success had a failure inside.
  let status: Int
  /// The error's code, where there is one.
  let code: String
  /// Whether an earlier try may have been carried out too.
  let hadUncertainTry: Bool
}
