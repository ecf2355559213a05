import VarveObjects

/// A request, as it goes on the wire: nothing in it is encoded, normalised or followed by the transport.
struct HTTPRequest: Sendable {
  enum Method: String, Sendable {
    case get = "GET"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
    case head = "HEAD"
  }

  var method: Method
  var origin: HTTPOrigin
  /// Encoded, from the first slash on.
  var path: String
  /// Names and values, not encoded.
  var query: [(String, String)] = []
  var headers = HTTPHeaders()
  var body = HTTPBody()
  var limits = HTTPLimits()
  /// Whether it must go by a connection of its own. On one that was used before libcurl sends a request
  /// again, and tells nobody, where the server had closed it.
  var needsFreshConnection = false
  /// When the same request is sent once more by another connection; the first good answer counts. Only
  /// for requests that change nothing.
  var hedge: HTTPHedge?
  /// Whether proxies are passed by: for servers of this machine alone.
  var isDirect = false

  init(_ method: Method, _ origin: HTTPOrigin, path: String) {
    self.method = method
    self.origin = origin
    self.path = path
  }

  /// The query, encoded and sorted by encoded names and values; a name without a value has its `=`. One
  /// form for the wire and for signatures.
  var encodedQuery: String {
    query.map { (PercentCoding.encode($0.0), PercentCoding.encode($0.1)) }
      .sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }
      .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
  }

  var address: String {
    origin.address + path + (query.isEmpty ? "" : "?\(encodedQuery)")
  }
}

extension HTTPRequest: CustomStringConvertible, CustomReflectable {
  /// Method, server and path: what may be shown.
  var description: String { "\(method.rawValue) \(origin.address)\(path)" }
  var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// When a request is repeated although it may yet be answered.
struct HTTPHedge: Sendable {
  /// Nanoseconds after its beginning.
  var delay: UInt64
  /// Asked then, once: whether it may be.
  var permit: @Sendable () -> Bool
}

/// What a request sends: a part of some content.
struct HTTPBody: Sendable {
  let content: ObjectContent
  let range: Range<UInt64>

  /// Nothing.
  init() { self.init([]) }

  init(_ bytes: [UInt8]) { self.init(ObjectContent(bytes)) }

  init(_ content: ObjectContent) { self.init(content, 0..<content.count) }

  init(_ content: ObjectContent, _ range: Range<UInt64>) {
    self.content = content
    self.range = range
  }

  var count: UInt64 { range.upperBound - range.lowerBound }
}

/// How long a request may take and how much it may answer. Times in nanoseconds.
struct HTTPLimits: Sendable {
  /// Until the server is connected, its name looked up.
  var connect: UInt64 = 3_000_000_000
  /// From the end of the request to the first byte of the answer.
  var firstByte: UInt64 = 10_000_000_000
  /// Without one byte in either direction.
  var stall: UInt64 = 10_000_000_000
  /// For all of it.
  var total: UInt64 = 30_000_000_000
  /// Bytes of the answer's body; of one that is no success `errorBody` holds instead.
  var body = 1 << 20

  static let errorBody = 64 << 10
  /// Bytes of the answer's headers.
  static let head = 64 << 10
}
