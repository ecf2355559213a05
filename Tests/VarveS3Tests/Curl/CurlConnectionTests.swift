import CVarveCurl
import Glibc
import Testing
import VarvePlatform

@testable import VarveS3

/// What is done to libcurl's handles, below the transport.
@Suite(.serialized) struct CurlConnectionTests {
  /// Lets a transfer go on until it is over, and returns its result; nil after a second.
  private func result(of exchange: CurlExchange, on connection: CurlConnection) -> Int32? {
    let end = SystemClock().monotonicNanoseconds() + 1_000_000_000
    while SystemClock().monotonicNanoseconds() < end {
      _ = connection.step()
      if let (_, result) = unsafe connection.finished() { return result }
      _ = connection.wait(milliseconds: 50)
    }
    return nil
  }

  /// What a proxy says of its tunnel is no part of the answer.
  @Test func aTunnelIsNoAnswer() throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
      peer.untilClosed()
    }
    let connection = try CurlConnection()
    let request = HTTPRequest(.get, HTTPOrigin(isSecure: true, host: "127.0.0.1"), path: "/")
    let exchange = CurlExchange(request, try connection.takeEasy())
    try exchange.prepare(caFile: nil)
    // CURLOPT_PROXY
    exchange.easy.set(10_004, server.origin.address)
    #expect(connection.add(exchange.easy) == 0)
    #expect(result(of: exchange, on: connection) == nil)
    #expect(exchange.awaitsFirstByte)
    connection.remove(exchange.easy)
  }

  private static let closings = Monitor<[Bool]>([])

  /// Closing may write, to a peer who has gone: TLS says good-bye.
  @Test func noSignalComesWhileAConnectionIsClosed() throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      peer.untilClosed()
    }
    var connection: CurlConnection? = try CurlConnection()
    if let connection {
      let request = HTTPRequest(.get, server.origin, path: "/")
      let exchange = CurlExchange(request, try connection.takeEasy())
      try exchange.prepare(caFile: nil)
      // CURLOPT_CLOSESOCKETFUNCTION, called with a context and the socket.
      unsafe exchange.easy.set(
        20_208,
        seek: { _, socket, _ in
          let isBlocked = CurlConnectionTests.keepsPipeSignal()
          CurlConnectionTests.closings.withLock { $0.append(isBlocked) }
          return close(Int32(truncatingIfNeeded: socket))
        })
      #expect(connection.add(exchange.easy) == 0)
      #expect(result(of: exchange, on: connection) == 0)
      connection.remove(exchange.easy)
      connection.giveBack(exchange.easy)
    }
    #expect(Self.closings.withLock { $0 }.isEmpty)
    connection = nil
    #expect(Self.closings.withLock { $0 } == [true])
    #expect(!Self.keepsPipeSignal())
  }

  /// Whether this thread keeps SIGPIPE from itself.
  private static func keepsPipeSignal() -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: sigset_t.self, capacity: 1) { mask in
      unsafe pthread_sigmask(SIG_BLOCK, nil, mask.baseAddress)
      return unsafe sigismember(mask.baseAddress.unsafelyUnwrapped, SIGPIPE) == 1
    }
  }
}
