import Testing
import VarveFormat
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// Connections that are kept, fresh ones, and second ones for late answers.
extension CurlTransportTests {
  /// Answers so many requests on one connection, then resets it when the next one has come.
  private static func kept(_ requests: Int) -> @Sendable (ScriptedServer.Peer) -> Void {
    { peer in
      for number in 0... {
        let head = peer.head().lowercased()
        if head.isEmpty { return }
        let length = head.split(separator: "content-length: ").last?.prefix { $0.isNumber }
        let body = peer.bytes(head.contains("content-length") ? Int(length ?? "") ?? 0 : 0)
        if peer.number == 1, number == requests { return peer.reset() }
        let sum = body.reduce(0) { ($0 &* 31) &+ Int($1) }
        let text = "\(peer.number) \(body.count) \(sum)"
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
      }
    }
  }

  private static func text(_ response: HTTPResponse) -> String {
    String(decoding: response.body, as: UTF8.self)
  }

  @Test func connectionsAreKept() throws {
    let server = try ScriptedServer(Self.kept(100))
    let transport = CurlTransport()
    for _ in 0..<5 {
      let response = try transport.send(
        HTTPRequest(.get, server.origin, path: "/"), HTTPCancellation())
      #expect(Self.text(response) == "1 0 0")
    }
    var fresh = HTTPRequest(.get, server.origin, path: "/")
    fresh.needsFreshConnection = true
    #expect(try Self.text(transport.send(fresh, HTTPCancellation())) == "2 0 0")
    #expect(server.accepted == 2)
    withExtendedLifetime(transport) {}
  }

  /// What is compared as it is sent is read once more from there, too.
  @Test(arguments: [300_000, 3_000_000])
  func aBodyIsSentAgainFromItsBeginning(_ count: Int) throws {
    let server = try ScriptedServer(Self.kept(1))
    let transport = CurlTransport()
    let body = pattern(count)
    let sum = body.reduce(0) { ($0 &* 31) &+ Int($1) }
    let checksum = body.withByteView(CRC32C.checksum(of:))
    let content = ObjectContent(body).checked(0..<UInt64(count), checksum, nil)
    for expected in ["1 \(count) \(sum)", "2 \(count) \(sum)"] {
      var request = HTTPRequest(.put, server.origin, path: "/")
      request.body = HTTPBody(content)
      #expect(try Self.text(transport.send(request, HTTPCancellation())) == expected)
    }
  }

  /// On a connection that was used before libcurl repeats what the server did not answer, and tells nobody.
  @Test(arguments: [false, true])
  func whatNeedsAFreshConnectionIsNotSentTwice(_ needsFresh: Bool) throws {
    let heads = Monitor<[String]>([])
    let server = try ScriptedServer { peer in
      while true {
        let head = peer.head()
        if head.isEmpty { return }
        heads.withLock { $0.append(String(head.prefix(4))) }
        guard head.hasPrefix("GET") else { break }
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      }
      _ = peer.bytes(3)
      peer.reset()
    }
    let transport = CurlTransport()
    _ = try transport.send(HTTPRequest(.get, server.origin, path: "/"), HTTPCancellation())
    var request = HTTPRequest(.put, server.origin, path: "/")
    request.body = HTTPBody([1, 2, 3])
    request.needsFreshConnection = needsFresh
    let sent = request
    #expect(throws: HTTPFailure.self) { try transport.send(sent, HTTPCancellation()) }
    #expect(heads.withLock { $0 } == ["GET "] + Array(repeating: "PUT ", count: needsFresh ? 1 : 2))
  }

  @Test func aLateAnswerIsOvertaken() throws {
    let permits = Monitor(0)
    let (result, milliseconds) = try send {
      $0.hedge = HTTPHedge(delay: Self.second / 5) {
        permits.withLock { $0 += 1 }
        return true
      }
    } _: { peer in
      _ = peer.head()
      if peer.number == 1 { return peer.untilClosed() }
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(peer.number)")
    }
    #expect(try Self.text(result.get()) == "2" && permits.withLock { $0 } == 1)
    #expect((190...3_000).contains(milliseconds))
  }

  @Test func anAnswerInTimeIsNotHedged() throws {
    let (result, _) = try send {
      $0.hedge = HTTPHedge(delay: 5 * Self.second) { true }
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(peer.number)")
    }
    #expect(try Self.text(result.get()) == "1")
  }

  /// What comes of a request whose answer is late, and whose second one is answered with a status and no body.
  private func hedged(
    second status: Int, first: @escaping @Sendable (ScriptedServer.Peer) -> Void
  ) throws -> Result<HTTPResponse, HTTPFailure> {
    try send {
      $0.hedge = HTTPHedge(delay: Self.second / 10) { true }
    } _: { peer in
      _ = peer.head()
      if peer.number > 1 {
        return peer.send("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n")
      }
      _ = HTTPCancellation().sleep(until: SystemClock().monotonicNanoseconds() + Self.second / 2)
      first(peer)
    }.0
  }

  private static func answer(_ peer: ScriptedServer.Peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(peer.number)")
  }

  @Test func aHedgeThatFailsIsNotTheAnswer() throws {
    let result = try hedged(second: 503) { Self.answer($0) }
    #expect(try Self.text(result.get()) == "1")
  }

  @Test func anErrorIsBetterThanNoAnswer() throws {
    let result = try hedged(second: 503) { $0.reset() }
    #expect(try result.get().status == 503)
  }

  @Test func aSecondRequestThatIsOneTooManyIsNotTheAnswer() throws {
    let result = try hedged(second: 429) { Self.answer($0) }
    #expect(try Self.text(result.get()) == "1")
  }

  @Test func manyThreadsSendAtOnce() throws {
    let server = try ScriptedServer(Self.kept(1000))
    let transport = CurlTransport()
    let wrong = Monitor(0)
    let threads = try (0..<8).map { thread in
      try WorkerThread(name: "test") {
        for number in 0..<50 {
          var request = HTTPRequest(.put, server.origin, path: "/")
          let body = [UInt8](repeating: UInt8(thread), count: number * 10)
          request.body = HTTPBody(body)
          let sum = body.reduce(0) { ($0 &* 31) &+ Int($1) }
          let text = (try? transport.send(request, HTTPCancellation())).map(Self.text) ?? ""
          if !text.hasSuffix(" \(body.count) \(sum)") { wrong.withLock { $0 += 1 } }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(wrong.withLock { $0 } == 0)
    #expect(server.accepted <= 8)
  }
}
