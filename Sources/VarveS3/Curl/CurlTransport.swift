import VarvePlatform

/// Requests by libcurl, which `dlopen` finds: the one HTTP client with TLS that this system's Swift has
/// anyway. (URLSession of Swift 6.3 ends the process when a server closes within a head, and sends bodies
/// again without going back to their beginning.)
///
/// A caller takes a connection from the pool, runs its transfer on its own thread and gives it back, so
/// that as many are open as there were callers at once, of which 64 are kept.
final class CurlTransport: HTTPTransport {
  private static let mostIdle = 64

  private let clock: any Clock
  private let caFile: String?
  private let idle = Monitor<[CurlConnection]>([])

  /// - Parameter caFile: certificates to trust instead of the system's, in PEM.
  init(clock: any Clock = SystemClock(), caFile: String? = nil) {
    self.clock = clock
    self.caFile = caFile
  }

  func send(
    _ request: HTTPRequest, _ cancellation: HTTPCancellation
  ) throws(HTTPFailure) -> HTTPResponse {
    guard request.headers.canBeSent else {
      throw HTTPFailure(kind: .invalid, message: "a header has a control character")
    }
    let connection = try takeConnection()
    defer { giveBack(connection) }
    return try withoutPipeSignal { () throws(HTTPFailure) in
      let transfer = CurlTransfer(request, on: connection, clock, caFile: caFile)
      return try cancellation.whileWaking(by: { connection.wake() }) { () throws(HTTPFailure) in
        try transfer.run(cancellation)
      }
    }
  }

  private func takeConnection() throws(HTTPFailure) -> CurlConnection {
    if let known = idle.withLock({ $0.popLast() }) { return known }
    return try CurlConnection()
  }

  private func giveBack(_ connection: CurlConnection) {
    // One too many is closed when it goes out of scope, not with the lock held.
    idle.withLock { if $0.count < Self.mostIdle { $0.append(connection) } }
  }
}
