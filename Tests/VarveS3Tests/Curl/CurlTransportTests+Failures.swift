import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// Servers that are not reached, and what is left of a request that failed.
extension CurlTransportTests {
  /// A name that is nobody's, by RFC 6761.
  static let nobody = "no-such-host.invalid"

  /// Requests that fail, each in its own way.
  enum Trouble: CaseIterable {
    case name, nameByTLS, port, portByTLS, noTLS, cut, long, silent, content

    /// - Parameter other: a server that answers the path `/cut` with half a head, `/long` with too much and
    ///   `/silent` with nothing.
    func request(_ other: HTTPOrigin) -> HTTPRequest {
      // Nobody listens at port 1.
      let origin =
        switch self {
        case .name: HTTPOrigin(isSecure: false, host: CurlTransportTests.nobody, port: 9000)
        case .nameByTLS: HTTPOrigin(isSecure: true, host: CurlTransportTests.nobody)
        case .port: HTTPOrigin(isSecure: false, host: "127.0.0.1", port: 1)
        case .portByTLS: HTTPOrigin(isSecure: true, host: "127.0.0.1", port: 1)
        case .noTLS: HTTPOrigin(isSecure: true, host: other.host, port: other.port)
        case .cut, .long, .silent, .content: other
        }
      var request = HTTPRequest(.put, origin, path: "/\(self)")
      request.limits.firstByte = 200_000_000
      request.limits.body = 10
      if self == .content {
        request.body = HTTPBody(
          ObjectContent(count: 5) { _ throws(ObjectStoreError) in
            throw ObjectStoreError(.invalid, "of the test")
          })
      }
      return request
    }

    var kind: String {
      switch self {
      case .name, .nameByTLS, .port, .portByTLS: "unreachable"
      case .cut: "broken"
      case .long: "tooLarge"
      // A head that never ends, for whoever expects another protocol.
      case .noTLS, .silent: "timeout"
      case .content: "content"
      }
    }
  }

  /// A server that goes wrong by the path, and answers `/fine`.
  private static func trouble(_ peer: ScriptedServer.Peer) {
    while true {
      let head = peer.head()
      switch head.split(separator: " ").dropFirst().first {
      case "/cut": return peer.send("HTTP/1.1 200 OK\r\nContent-Le")
      case "/long":
        peer.send(
          "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n\(String(repeating: "a", count: 99))")
      case "/silent": return peer.untilClosed()
      case "/fine": peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      default: return
      }
    }
  }

  /// libcurl's handles go from one request to the next, and some keep what was of the one before.
  @Test(arguments: Trouble.allCases)
  func afterAFailureTheNextRequestIsSent(_ trouble: Trouble) throws {
    let server = try ScriptedServer(Self.trouble)
    let transport = CurlTransport()
    for _ in 0..<3 {
      let result = Result { () throws(HTTPFailure) in
        try transport.send(trouble.request(server.origin), HTTPCancellation())
      }
      #expect(kind(result) == trouble.kind, "\(result)")
    }
    let fine = try transport.send(
      HTTPRequest(.get, server.origin, path: "/fine"), HTTPCancellation())
    #expect(fine.status == 200)
  }

  /// The name may be there in a moment: a network that comes up, a server that was just made.
  @Test(arguments: ["http://\(nobody):9000", "https://\(nobody)", "http://127.0.0.1:1"])
  func aServerThatIsNotReachedIsTriedAgain(_ endpoint: String) throws {
    var options = try S3Options("s3://bucket/p")
    options.endpoint = endpoint
    options.credentials = .fixed(S3Credentials(accessKey: "K", secretKey: Secret("S")))
    options.patience.firstDelayMilliseconds = 10
    options.patience.longestDelayMilliseconds = 50
    options.patience.retryMilliseconds = 500
    let store = try S3ObjectStore(options)
    do throws(ObjectStoreError) {
      _ = try store.status(of: name("a"))
      Issue.record("somebody answered")
    } catch {
      #expect(error.code == .unavailable)
      #expect(error.message.contains("tries"), "\(error)")
      guard endpoint.contains(Self.nobody) else { return }
      #expect(error.message.contains("\(Self.nobody)"), "\(error)")
      #expect(error.message.contains("could not resolve"), "\(error)")
    }
  }

  /// Its end is not sent, whatever the server would make of it.
  @Test(arguments: [1_000, 3_000_000])
  func noServerGetsAllOfABodyThatHasChanged(_ count: Int) throws {
    let came = Monitor(0)
    let server = try ScriptedServer { peer in
      if peer.head().lowercased().contains("100-continue") {
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
      }
      let bytes = peer.bytes(count)
      came.withLock { $0 = bytes.count }
    }
    var request = HTTPRequest(.put, server.origin, path: "/")
    request.body = HTTPBody(
      ObjectContent(pattern(count)).checked(0..<UInt64(count), 0x1234_5678, "a"))
    let sent = request
    let failure = #expect(throws: HTTPFailure.self) {
      try CurlTransport().send(sent, HTTPCancellation())
    }
    guard case .content(let error)? = failure?.kind else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(error.code == .damaged && error.object == "a")
    server.close()
    #expect(came.withLock { $0 } < count)
  }
}
