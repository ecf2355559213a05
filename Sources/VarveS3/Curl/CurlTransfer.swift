import CVarveCurl
import VarvePlatform

/// A request on its way, once or, where the answer is late, twice: the first good answer counts.
final class CurlTransfer {
  private let request: HTTPRequest
  private let connection: CurlConnection
  private let clock: any Clock
  private let caFile: String?
  private var running: [CurlExchange] = []
  private let start: UInt64
  private var lastMove: UInt64
  private var isHedged = false
  /// An answer that is no good, while another may come.
  private var poor: HTTPResponse?

  init(
    _ request: HTTPRequest, on connection: CurlConnection, _ clock: any Clock, caFile: String?
  ) {
    self.request = request
    self.connection = connection
    self.clock = clock
    self.caFile = caFile
    start = clock.monotonicNanoseconds()
    lastMove = start
  }

  func run(_ cancellation: HTTPCancellation) throws(HTTPFailure) -> HTTPResponse {
    defer { while let left = running.last { end(left, keepsHandle: false) } }
    try begin(request)
    while true {
      if cancellation.isCancelled { throw stopped(.cancelled, "cancelled") }
      try check(connection.step())
      if let response = try answer() { return response }
      let now = clock.monotonicNanoseconds()
      if running.contains(where: { $0.takeMoved() }) { lastMove = now }
      hedge(at: now)
      try check(connection.wait(milliseconds: try timeLeft(at: now)))
    }
  }

  private func begin(_ request: HTTPRequest) throws(HTTPFailure) {
    let exchange = CurlExchange(request, try connection.takeEasy())
    try exchange.prepare(caFile: caFile)
    try check(connection.add(exchange.easy))
    running.append(exchange)
  }

  /// - Parameter keepsHandle: false for a transfer that failed or was left. Of some failures libcurl leaves
  ///   traces in the handle that its reset passes by: in 7.88 a name that was not found leaves a buffer, and
  ///   the next request may not say how large it shall be.
  private func end(_ exchange: CurlExchange, keepsHandle: Bool) {
    connection.remove(exchange.easy)
    if keepsHandle { connection.giveBack(exchange.easy) }
    running.removeAll { $0 === exchange }
  }

  /// An answer that came, if it is a good one or the last that could.
  private func answer() throws(HTTPFailure) -> HTTPResponse? {
    while let (easy, result) = unsafe connection.finished() {
      guard let exchange = running.first(where: { unsafe $0.easy.pointer == easy }) else {
        continue
      }
      let outcome = Result { () throws(HTTPFailure) in try exchange.response(result) }
      end(exchange, keepsHandle: result == 0)
      switch outcome {
      case .success(let response):
        if running.isEmpty || !Self.isPoor(response) { return response }
        poor = response
      case .failure(let failure):
        guard running.isEmpty else { break }
        guard let poor else { throw failure }
        return poor
      }
    }
    return nil
  }

  /// Whether another answer to the same request may be better.
  private static func isPoor(_ response: HTTPResponse) -> Bool {
    response.status >= 500 || response.status == 429
  }

  /// Sends the request once more where its answer is late. That it cannot be is no failure.
  private func hedge(at now: UInt64) {
    guard let hedge = request.hedge, !isHedged, now - start >= hedge.delay else { return }
    isHedged = true
    guard hedge.permit() else { return }
    var again = request
    again.needsFreshConnection = true
    try? begin(again)
  }
}

// MARK: - Time

extension CurlTransfer {
  /// Milliseconds until something must be looked at.
  private func timeLeft(at now: UInt64) throws(HTTPFailure) -> Int32 {
    let limits = request.limits
    let isQuiet = running.allSatisfy(\.awaitsFirstByte)
    var deadlines = [
      start &+ limits.total, lastMove &+ (isQuiet ? limits.firstByte : limits.stall),
    ]
    if let passed = deadlines.firstIndex(where: { now >= $0 }) {
      throw stopped(.timeout, passed == 0 ? "not done in time" : "no byte for too long")
    }
    if let hedge = request.hedge, !isHedged { deadlines.append(start &+ hedge.delay) }
    let nanoseconds = (deadlines.min() ?? now) - now
    return Int32(min(nanoseconds / 1_000_000 + 1, 1000))
  }

  private func stopped(_ kind: HTTPFailure.Kind, _ text: String) -> HTTPFailure {
    HTTPFailure(
      kind: kind, message: "\(request.origin.authority): \(text)",
      mayHaveArrived: running.contains { $0.easy.hasSent })
  }

  private func check(_ result: Int32) throws(HTTPFailure) {
    if result != 0 { throw stopped(.broken, "libcurl failed with \(result)") }
  }
}
