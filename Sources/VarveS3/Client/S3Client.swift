import VarveObjects
import VarvePlatform

/// What a client is made of; tests put others in its place.
struct S3Parts: Sendable {
  var transport: any HTTPTransport
  var surroundings: Surroundings
  var clock: any Clock
  var random: any RandomSource
  /// Waits so many nanoseconds; false where it was cancelled.
  var pause: @Sendable (UInt64, HTTPCancellation) -> Bool

  /// The machine's.
  static func system() -> S3Parts {
    let surroundings = Surroundings.process
    let clock = SystemClock()
    return S3Parts(
      transport: CurlTransport(caFile: surroundings.variable("AWS_CA_BUNDLE")),
      surroundings: surroundings, clock: clock, random: SystemRandom(),
      pause: { $1.sleep(until: clock.monotonicNanoseconds() &+ $0) })
  }
}

/// Sends calls to one bucket until they are answered: signs them, tries again what is worth it, and learns
/// the bucket's region, the server's clock and new credentials on the way.
final class S3Client: Sendable {
  /// What was learned, and what is under way.
  struct State: Sendable {
    var region: String
    /// Where the bucket said it is for a while.
    var place: HTTPOrigin?
    /// The server's clock less ours, in ms.
    var clockOffset: Int64 = 0
    var isClosed = false
    var nextNumber = 0
    var calls: [Int: HTTPCancellation] = [:]
  }

  let options: S3Options
  let profile: S3Profile
  let parts: S3Parts
  let state: Monitor<State>
  private let endpoint: S3Endpoint
  private let signer = RequestSigner()
  let credentials: CredentialCache
  /// Ends the asking for them.
  private let asking = HTTPCancellation()
  private let budget = RetryBudget()
  private let hedges = HedgePolicy()

  init(_ options: S3Options, _ parts: S3Parts) throws(ObjectStoreError) {
    let variable = parts.surroundings.variable
    let server = options.endpoint ?? variable("AWS_ENDPOINT_URL_S3") ?? variable("AWS_ENDPOINT_URL")
    let region = options.region ?? variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION")
    guard RegionName.isValid(region ?? "us-east-1") else {
      throw ObjectStoreError(.invalid, "not a region's name")
    }
    try options.patience.check()
    endpoint = try S3Endpoint(
      server: server, bucket: options.bucket, addressing: options.addressing)
    self.options = options
    self.parts = parts
    profile = options.profile ?? (endpoint.isAWS ? .aws : .unknown)
    state = Monitor(State(region: region ?? "us-east-1"))
    let world = CredentialWorld(
      surroundings: parts.surroundings, transport: parts.transport, clock: parts.clock,
      cancellation: asking)
    credentials = CredentialCache(
      options.credentials.providers(world, region: region ?? "us-east-1"), parts.clock)
  }

  /// Ends all calls, and refuses new ones.
  func close() {
    let calls = state.withLock { state in
      state.isClosed = true
      return Array(state.calls.values)
    }
    for call in calls { call.cancel() }
    // After them, so that each knows why it has no credentials.
    asking.cancel()
  }

  /// Lends `body` what `close()` cancels.
  func underWay<Result>(
    _ body: (HTTPCancellation) throws(ObjectStoreError) -> Result
  ) throws(ObjectStoreError) -> Result {
    let cancellation = HTTPCancellation()
    let number: Int? = state.withLock { state in
      guard !state.isClosed else { return nil }
      state.nextNumber += 1
      state.calls[state.nextNumber] = cancellation
      return state.nextNumber
    }
    guard let number else { throw Self.closed }
    defer { state.withLock { state in _ = state.calls.removeValue(forKey: number) } }
    return try body(cancellation)
  }

  /// The answer to a call.
  func answer(to call: S3Call) throws(ObjectStoreError) -> S3Answer {
    try underWay { cancellation throws(ObjectStoreError) in try answer(to: call, cancellation) }
  }

  /// The answer to a call that `cancellation` ends.
  func answer(
    to call: S3Call, _ cancellation: HTTPCancellation
  ) throws(ObjectStoreError) -> S3Answer {
    var attempts = S3Attempts(call, options.patience, parts, budget)
    while true {
      let answer = try attempt(&attempts, cancellation)
      if let answer { return answer }
    }
  }

  /// Waits so many nanoseconds.
  func pause(_ nanoseconds: UInt64) throws(ObjectStoreError) {
    try underWay { cancellation throws(ObjectStoreError) in
      guard parts.pause(nanoseconds, cancellation) else { throw Self.closed }
    }
  }

  private static let closed = ObjectStoreError(.cancelled, "the object store was closed")

  var serverMilliseconds: UInt64 {
    let now = parts.clock.wallMilliseconds()
    let offset = state.withLock { $0.clockOffset }
    return offset < 0 ? now - min(now, offset.magnitude) : now &+ offset.magnitude
  }
}

// MARK: - One try

extension S3Client {
  /// The answer, or nil where another try is due.
  private func attempt(
    _ attempts: inout S3Attempts, _ cancellation: HTTPCancellation
  ) throws(ObjectStoreError) -> S3Answer? {
    let call = attempts.call
    let region = state.withLock { $0.region }
    let identity: S3Credentials
    do throws(ObjectStoreError) { identity = try credentials.credentials() } catch {
      throw cancellation.isCancelled ? attempts.cancelled : attempts.last(error)
    }
    let time = serverMilliseconds
    let start = parts.clock.monotonicNanoseconds()
    let response: HTTPResponse
    do throws(HTTPFailure) {
      response = try parts.transport.send(
        request(for: call, identity, region, at: time), cancellation)
    } catch {
      try attempts.note(error, cancellation)
      return nil
    }
    if call.isHedged { hedges.note(parts.clock.monotonicNanoseconds() &- start) }
    let (status, document) = Self.outcome(of: response, call, identity)
    let verdict = S3Verdict(
      response, status: status, code: document.code, to: call, region: region, at: time)
    switch verdict {
    case .done:
      return S3Answer(
        response: response, status: status, code: document.code,
        hadUncertainTry: attempts.isUncertain)
    case .otherRegion(let told):
      if learnPlace(response, told ?? document.region, region), attempts.learns(.place) {
        return nil
      }
    case .otherTime: if learnTime(response), attempts.learns(.time) { return nil }
    case .otherCredentials:
      if credentials.refuse(identity), attempts.learns(.credentials) { return nil }
    case .again, .garbled, .failed: break
    }
    try attempts.judge(verdict, response, status: status, document, cancellation)
    return nil
  }

  /// The status, or the one of the failure inside a success, and what is said of it.
  private static func outcome(
    of response: HTTPResponse, _ call: S3Call, _ identity: S3Credentials
  ) -> (Int, S3ErrorDocument) {
    if !response.isSuccess {
      return (response.status, S3ErrorDocument(response.body, hiding: identity))
    }
    guard call.mayFailInside, XMLGroups(response.body, of: [])?.root == "Error" else {
      return (response.status, S3ErrorDocument([]))
    }
    let document = S3ErrorDocument(response.body, hiding: identity)
    return (S3Verdict.status(ofInner: document.code), document)
  }

  private func request(
    for call: S3Call, _ identity: S3Credentials, _ region: String, at time: UInt64
  ) -> HTTPRequest {
    let place = state.withLock { $0.place }
    var request = endpoint.request(call.method, key: call.key, region: region, at: place)
    request.query = call.query
    request.headers = call.headers
    request.body = call.body
    request.needsFreshConnection = call.isSentOnce
    request.limits = limits(of: call)
    if call.isHedged, options.hedgesReads, let delay = hedges.delay() {
      request.hedge = HTTPHedge(delay: delay) { [hedges] in hedges.takePermit() }
    }
    signer.sign(
      &request, identity, region: region, at: CivilTime(milliseconds: time),
      payload: call.digest.map(ByteText.hexadecimal) ?? RequestSigner.emptyPayload)
    return request
  }

  private func limits(of call: S3Call) -> HTTPLimits {
    let patience = options.patience
    var limits = HTTPLimits()
    limits.connect = patience.connectMilliseconds &* 1_000_000
    let work = call.isWork ? patience.workMilliseconds : 0
    limits.firstByte = max(patience.firstByteMilliseconds, work) &* 1_000_000
    limits.stall = max(patience.stallMilliseconds, work) &* 1_000_000
    limits.total =
      (patience.requestMilliseconds &+ work) &* 1_000_000
      &+ call.nanoseconds(for: call.body.count &+ UInt64(call.bodyLimit))
    limits.body = call.bodyLimit
    return limits
  }
}

// MARK: - Learning

extension S3Client {
  /// Whether the bucket said where it is, and it is not where we asked.
  private func learnPlace(_ response: HTTPResponse, _ told: String?, _ asked: String) -> Bool {
    let place =
      response.status == 307
      ? endpoint.place(redirectedTo: response.headers["location"]) : nil
    let region = told.flatMap { RegionName.isValid($0) && $0 != asked ? $0 : nil }
    guard place != nil || region != nil else { return false }
    state.withLock { state in
      state.region = region ?? state.region
      state.place = place
    }
    return true
  }

  /// Whether the server told its time.
  private func learnTime(_ response: HTTPResponse) -> Bool {
    guard let time = response.serverTime else { return false }
    let now = parts.clock.wallMilliseconds()
    state.withLock { $0.clockOffset = Int64(clamping: time) - Int64(clamping: now) }
    return true
  }
}
