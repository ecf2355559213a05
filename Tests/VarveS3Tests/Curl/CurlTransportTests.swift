import CVarveCurl
import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// Requests by libcurl, against servers of this process that do what servers should not.
@Suite struct CurlTransportTests {
  static let second: UInt64 = 1_000_000_000

  /// What a request to a server with `script` ends with, and after how many milliseconds.
  func send(
    _ method: HTTPRequest.Method = .get, path: String = "/a", body: [UInt8] = [],
    _ change: (inout HTTPRequest) -> Void = { _ in }, cancelAfter: UInt64? = nil,
    _ script: @escaping @Sendable (ScriptedServer.Peer) -> Void
  ) throws -> (result: Result<HTTPResponse, HTTPFailure>, milliseconds: UInt64) {
    let server = try ScriptedServer(script)
    defer { server.close() }
    let transport = CurlTransport()
    var request = HTTPRequest(method, server.origin, path: path)
    request.body = HTTPBody(body)
    change(&request)
    let cancellation = HTTPCancellation()
    let canceller = try cancelAfter.map { delay in
      try WorkerThread(name: "test") {
        _ = HTTPCancellation().sleep(until: SystemClock().monotonicNanoseconds() + delay)
        cancellation.cancel()
      }
    }
    defer { canceller?.join() }
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    let sent = request
    let result = Result { () throws(HTTPFailure) in try transport.send(sent, cancellation) }
    return (result, (clock.monotonicNanoseconds() - start) / 1_000_000)
  }

  func kind(_ result: Result<HTTPResponse, HTTPFailure>) -> String {
    switch result {
    case .success(let response): "\(response.status)"
    case .failure(let failure): String("\(failure.kind)".prefix { $0 != "(" })
    }
  }

  @Test func optionsHaveTheNumbersOfLibcurl() {
    #expect(unsafe varve_curl_load() == nil)
    let options: [(String, Int)] = [
      ("NOPROGRESS", VARVE_CURL_NOPROGRESS), ("NOBODY", VARVE_CURL_NOBODY),
      ("UPLOAD", VARVE_CURL_UPLOAD), ("FOLLOWLOCATION", VARVE_CURL_FOLLOWLOCATION),
      ("FRESH_CONNECT", VARVE_CURL_FRESH_CONNECT), ("HTTP_VERSION", VARVE_CURL_HTTP_VERSION),
      ("BUFFERSIZE", VARVE_CURL_BUFFERSIZE), ("NOSIGNAL", VARVE_CURL_NOSIGNAL),
      ("CONNECTTIMEOUT_MS", VARVE_CURL_CONNECTTIMEOUT_MS),
      ("SUPPRESS_CONNECT_HEADERS", VARVE_CURL_SUPPRESS_CONNECT_HEADERS),
      ("QUICK_EXIT", VARVE_CURL_QUICK_EXIT),
      ("HTTP_CONTENT_DECODING", VARVE_CURL_HTTP_CONTENT_DECODING),
      ("PROTOCOLS", VARVE_CURL_PROTOCOLS),
      ("PATH_AS_IS", VARVE_CURL_PATH_AS_IS), ("UPLOAD_BUFFERSIZE", VARVE_CURL_UPLOAD_BUFFERSIZE),
      ("HTTP09_ALLOWED", VARVE_CURL_HTTP09_ALLOWED), ("MAXAGE_CONN", VARVE_CURL_MAXAGE_CONN),
      ("MAXLIFETIME_CONN", VARVE_CURL_MAXLIFETIME_CONN), ("WRITEDATA", VARVE_CURL_WRITEDATA),
      ("URL", VARVE_CURL_URL), ("READDATA", VARVE_CURL_READDATA),
      ("HTTPHEADER", VARVE_CURL_HTTPHEADER), ("HEADERDATA", VARVE_CURL_HEADERDATA),
      ("CUSTOMREQUEST", VARVE_CURL_CUSTOMREQUEST), ("CAINFO", VARVE_CURL_CAINFO),
      ("SEEKDATA", VARVE_CURL_SEEKDATA), ("NOPROXY", VARVE_CURL_NOPROXY),
      ("WRITEFUNCTION", VARVE_CURL_WRITEFUNCTION), ("READFUNCTION", VARVE_CURL_READFUNCTION),
      ("HEADERFUNCTION", VARVE_CURL_HEADERFUNCTION), ("SEEKFUNCTION", VARVE_CURL_SEEKFUNCTION),
      ("INFILESIZE_LARGE", VARVE_CURL_INFILESIZE_LARGE),
    ]
    for (name, number) in options {
      #expect(unsafe varve_curl_option_number(name) == Int32(number), "\(name)")
    }
  }

  @Test func requestsGoOutAsTheyAre() throws {
    let heads = Monitor<[String]>([])
    let (result, _) = try send(path: "/a/./../b//c%20d") { request in
      request.query = [("b", "x y"), ("a", "")]
      request.headers = HTTPHeaders([("X-Amz-Test", "1"), ("host", "else.where:9")])
    } _: { peer in
      let head = peer.head()
      heads.withLock { $0.append(head) }
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A:b\r\netag:  \"q\" \r\n\r\nhi")
    }
    let response = try result.get()
    #expect(response.body == Array("hi".utf8))
    #expect(response.headers["x-a"] == "b" && response.headers["etag"] == "\"q\"")
    let lines = heads.withLock { $0[0] }.split(separator: "\r\n").map(String.init)
    #expect(lines.first == "GET /a/./../b//c%20d?a=&b=x%20y HTTP/1.1")
    #expect(
      Set(lines.dropFirst().map { $0.lowercased() }) == ["host: else.where:9", "x-amz-test: 1"])
  }

  @Test func bodiesAreSent() throws {
    let body = pattern(3_000_001)
    let got = Monitor<[String: [UInt8]]>([:])
    for method in [HTTPRequest.Method.put, .post] {
      let (result, _) = try send(method, body: body) { _ in
      } _: { peer in
        let head = peer.head()
        // Asked for, before anything large is sent.
        if head.lowercased().contains("expect: 100-continue") {
          peer.send("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n")
        }
        let bytes = peer.bytes(3_000_001)
        got.withLock { $0[method.rawValue] = bytes }
        peer.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
      }
      let response = try result.get()
      #expect(response.status == 201 && response.headers["x-interim"] == nil)
    }
    #expect(got.withLock { $0["PUT"] } == body && got.withLock { $0["POST"] } == body)
  }

  @Test func aRefusalSavesSendingTheBody() throws {
    let came = Monitor<Int?>(nil)
    let (result, milliseconds) = try send(.put, body: [UInt8](repeating: 1, count: 50 << 20)) { _ in
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n")
      let count = peer.bytes(1 << 20).count
      came.withLock { $0 = count }
    }
    #expect(try result.get().status == 412)
    #expect(milliseconds < 5_000 && came.withLock { $0 } == 0)
  }

  // MARK: - Broken answers

  @Test(arguments: [
    "", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "HTTP/1.1 200 OK\r\nX: y",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "\u{0}\u{1}\u{2}garbage\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
    "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
  ])
  func whatIsNoWholeAnswerIsAFailure(_ answer: String) throws {
    for resets in [false, true] {
      let (result, milliseconds) = try send { _ in
      } _: { peer in
        _ = peer.head()
        peer.send(answer)
        if resets { peer.reset() }
      }
      #expect(kind(result) == "broken", "\(resets)")
      #expect(milliseconds < 5_000)
      if case .failure(let failure) = result { #expect(failure.mayHaveArrived) }
    }
  }

  @Test func aRefusedConnectionSentNothing() throws {
    let server = try ScriptedServer { _ in }
    let origin = server.origin
    server.close()
    let failure = #expect(throws: HTTPFailure.self) {
      try CurlTransport().send(HTTPRequest(.put, origin, path: "/"), HTTPCancellation())
    }
    #expect(failure.map { "\($0.kind)" } == "unreachable" && failure?.mayHaveArrived == false)
  }

  @Test func headsAreBounded() throws {
    let (result, _) = try send { _ in
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\n")
      for number in 0..<40 { peer.send("X-\(number): \(String(repeating: "j", count: 4000))\r\n") }
      peer.send("Content-Length: 0\r\n\r\n")
    }
    #expect(kind(result) == "broken")
  }

  @Test func bodiesAreBounded() throws {
    let (result, milliseconds) = try send {
      $0.limits.body = 1000
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
      peer.send([UInt8](repeating: 1, count: 4 << 20))
      peer.untilClosed()
    }
    #expect(kind(result) == "tooLarge" && milliseconds < 5_000)
    // Of an error the beginning is enough, however little was asked for.
    let (error, _) = try send {
      $0.limits.body = 1
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 500 X\r\n\r\n")
      peer.send([UInt8](repeating: 1, count: 4 << 20))
      peer.untilClosed()
    }
    #expect(try error.get().status == 500 && error.get().body.count == HTTPLimits.errorBody)
  }

  @Test func noRedirectionIsFollowed() throws {
    let (result, _) = try send { _ in
    } _: { peer in
      _ = peer.head()
      peer.send(
        "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 3\r\n\r\nabc")
    }
    #expect(try result.get().status == 307 && result.get().body == Array("abc".utf8))
  }

  @Test func nothingIsUnpacked() throws {
    let (result, _) = try send { _ in
    } _: { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")
    }
    #expect(try result.get().body == Array("abc".utf8))
  }
}
