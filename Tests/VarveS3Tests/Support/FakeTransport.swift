import VarveObjects
import VarvePlatform

@testable import VarveS3

/// A server in the test: answers by a function, and remembers what came.
final class FakeTransport: HTTPTransport {
  typealias Answer = @Sendable (HTTPRequest, [UInt8]) throws(HTTPFailure) -> HTTPResponse

  private let answer: Answer
  private let seen = Monitor<[HTTPRequest]>([])

  init(_ answer: @escaping Answer) { self.answer = answer }

  /// Answers one after the other; the last one again and again.
  convenience init(_ answers: [Result<HTTPResponse, HTTPFailure>]) {
    let count = Monitor(0)
    self.init { _, _ throws(HTTPFailure) in
      let number = count.withLock { count in
        count += 1
        return count - 1
      }
      return try answers[min(number, answers.count - 1)].get()
    }
  }

  var requests: [HTTPRequest] { seen.withLock { $0 } }

  func send(
    _ request: HTTPRequest, _ cancellation: HTTPCancellation
  ) throws(HTTPFailure) -> HTTPResponse {
    if cancellation.isCancelled { throw HTTPFailure(kind: .cancelled, message: "cancelled") }
    seen.withLock { $0.append(request) }
    let body: [UInt8]
    do throws(ObjectStoreError) { body = try request.body.content.piece(request.body.range) } catch
    {
      throw HTTPFailure(kind: .content(error), message: "content")
    }
    var response = try answer(request, body)
    // As on the wire.
    if request.method == .head { response.body = [] }
    return response
  }
}

/// Time that passes only where somebody waits.
final class SimulatedClock: Clock {
  private let now: Monitor<UInt64>

  /// One of November 2023, or of 24 May 2013, when ``HTTPResponse/with(_:_:_:)`` answers.
  init(_ year: Int = 2023) {
    now = Monitor(year == 2013 ? 1_369_353_600_000_000_000 : 1_700_000_000_000_000_000)
  }

  func wallMilliseconds() -> UInt64 { now.withLock { $0 / 1_000_000 } }
  func monotonicNanoseconds() -> UInt64 { now.withLock { $0 } }
  func pass(_ nanoseconds: UInt64) { now.withLock { $0 += nanoseconds } }
  func pass(milliseconds: UInt64) { pass(milliseconds * 1_000_000) }
}

/// The same numbers each time.
final class FakeRandom: RandomSource {
  private let state = Monitor<UInt64>(42)

  func next() -> UInt64 {
    state.withLock { state in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state
    }
  }
}

extension S3Parts {
  /// Parts that touch nothing outside the test.
  static func fake(
    _ transport: any HTTPTransport, clock: SimulatedClock = SimulatedClock(),
    _ surroundings: Surroundings = .none
  ) -> S3Parts {
    S3Parts(
      transport: transport, surroundings: surroundings, clock: clock, random: FakeRandom(),
      pause: { nanoseconds, cancellation in
        clock.pass(nanoseconds)
        return !cancellation.isCancelled
      })
  }
}

extension Surroundings {
  static let none = Surroundings(variable: { _ in nil }, file: { _ in nil })

  static func fake(_ variables: [String: String], _ files: [String: String] = [:]) -> Surroundings {
    Surroundings(
      variable: { variables[$0] }, file: { path in files[path].map { Array($0.utf8) } })
  }
}

extension S3ObjectStore {
  /// A store of `s3://bucket/p/` at AWS that sends to `transport`.
  static func fake(
    _ transport: any HTTPTransport, clock: SimulatedClock = SimulatedClock(),
    _ change: (inout S3Options) -> Void = { _ in }
  ) throws -> S3ObjectStore {
    var options = try S3Options("s3://bucket/p")
    options.singlePutBytes = 64 << 20
    options.credentials = .fixed(S3Credentials(accessKey: "KEY", secretKey: Secret("SECRET")))
    change(&options)
    return try S3ObjectStore(options, .fake(transport, clock: clock))
  }
}

extension HTTPResponse {
  /// An answer with headers and a body of text.
  static func with(_ status: Int, _ headers: [(String, String)] = [], _ body: String = "")
    -> HTTPResponse
  {
    HTTPResponse(
      status: status,
      headers: HTTPHeaders(
        headers + [
          ("content-length", String(body.utf8.count)), ("date", "Fri, 24 May 2013 00:00:00 GMT"),
        ]),
      body: Array(body.utf8))
  }

  static func error(_ status: Int, _ code: String, _ more: String = "") -> HTTPResponse {
    .with(status, [], "<?xml version=\"1.0\"?><Error><Code>\(code)</Code>\(more)</Error>")
  }
}

extension HTTPFailure {
  static let lost = HTTPFailure(kind: .broken, message: "lost", mayHaveArrived: true)
  static let refused = HTTPFailure(kind: .unreachable, message: "refused")
}
