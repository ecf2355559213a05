import Testing
import VarvePlatform

@testable import VarveS3

/// How long requests may take.
extension CurlTransportTests {
  @Test func aSilentServerIsLeft() throws {
    let (result, milliseconds) = try send {
      $0.limits.firstByte = Self.second / 2
    } _: { peer in
      _ = peer.head()
      peer.untilClosed()
    }
    #expect(kind(result) == "timeout" && (450...3_000).contains(milliseconds))
  }

  @Test func aServerMayThinkLongerThanItMayStandStill() throws {
    let (result, _) = try send(.put, body: pattern(1 << 20)) {
      $0.limits.stall = Self.second / 2
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 100 Continue\r\n\r\n")
      _ = peer.bytes(1 << 20)
      _ = HTTPCancellation().sleep(until: SystemClock().monotonicNanoseconds() + 2 * Self.second)
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }
    #expect(try result.get().status == 200)
  }

  @Test func aBodyThatStopsIsLeft() throws {
    let (result, milliseconds) = try send {
      $0.limits.stall = Self.second / 2
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
      peer.untilClosed()
    }
    #expect(kind(result) == "timeout" && (450...3_000).contains(milliseconds))
  }

  @Test func aServerThatDoesNotReadIsLeft() throws {
    let (result, milliseconds) = try send(.put, body: [UInt8](repeating: 1, count: 64 << 20)) {
      $0.limits.stall = Self.second
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 100 Continue\r\n\r\n")
      _ = HTTPCancellation().sleep(until: SystemClock().monotonicNanoseconds() + 4 * Self.second)
    }
    #expect(kind(result) == "timeout" && (900...4_000).contains(milliseconds))
  }

  @Test func aDrippingServerIsLeft() throws {
    let (result, milliseconds) = try send {
      $0.limits.total = Self.second
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
      for _ in 0..<30 {
        peer.send("a")
        _ = HTTPCancellation().sleep(until: SystemClock().monotonicNanoseconds() + Self.second / 10)
      }
    }
    #expect(kind(result) == "timeout" && (900...3_000).contains(milliseconds))
  }

  @Test func cancellingEndsItAtOnce() throws {
    let (result, milliseconds) = try send(cancelAfter: Self.second / 5) { peer in
      _ = peer.head()
      peer.untilClosed()
    }
    #expect(kind(result) == "cancelled" && (190...1_500).contains(milliseconds))
    let before = HTTPCancellation()
    before.cancel()
    let server = try ScriptedServer { _ in }
    defer { server.close() }
    #expect(throws: HTTPFailure.self) {
      try CurlTransport().send(HTTPRequest(.get, server.origin, path: "/"), before)
    }
    #expect(server.accepted == 0)
  }
}
