import VarveObjects
import VarvePlatform

@testable import VarveS3

/// `tools/fault_proxy.py`, which stands before a server and breaks what it is told to.
///
/// There is one for all tests, so that the suites that use it run one test after the other.
struct FaultProxy {
  private let origin: HTTPOrigin
  private let transport = CurlTransport()

  /// The one that the environment names, without rules.
  init() throws {
    guard let address = TestServer.variable("PROXY"), let origin = HTTPOrigin(address) else {
      throw ObjectStoreError(.invalid, "no proxy")
    }
    self.origin = origin
    try set([])
    _ = try control(.delete, "requests")
  }

  /// A fault, as the proxy's rules are written: `"do": "cut", "at": 3`.
  func set(_ rules: [String]) throws {
    let list = rules.map { "{\($0)}" }.joined(separator: ",")
    _ = try control(.put, "rules", Array("[\(list)]".utf8))
  }

  /// A request that came.
  struct Request {
    let method: String
    let path: String
    let rule: String?
    let status: String?
  }

  /// All that came since it was made.
  func requests() throws -> [Request] {
    try control(.get, "requests").split(separator: 10).compactMap { line in
      guard let fields = JSONFields(Array(line)) else { return nil }
      return Request(
        method: fields["method"] ?? "", path: fields["path"] ?? "", rule: fields["rule"],
        status: fields["status"])
    }
  }

  /// A store of the server behind the proxy, quick to give up.
  func store(_ change: (inout S3Options) -> Void = { _ in }) throws -> S3ObjectStore {
    try TestServer.proxied.store("faults") { options in
      options.endpoint = origin.address
      options.patience.firstByteMilliseconds = 600
      options.patience.stallMilliseconds = 600
      options.patience.requestMilliseconds = 2_000
      options.patience.retryMilliseconds = 800
      options.patience.workMilliseconds = 2_000
      change(&options)
    }
  }

  private func control(
    _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8] = []
  ) throws -> [UInt8] {
    var request = HTTPRequest(method, origin, path: "/__faults__/\(path)")
    request.body = HTTPBody(body)
    request.limits.body = 64 << 20
    return try transport.send(request, HTTPCancellation()).body
  }
}
