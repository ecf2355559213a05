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
  let endpoint: S3Endpoint
  /// The region that the options name, or else the environment.
  let region: String?
  let signer = RequestSigner()
  let credentials: CredentialCache
  /// Ends the asking for them.
  private let asking = HTTPCancellation()
  let budget = RetryBudget()
  let hedges = HedgePolicy()

  init(_ options: S3Options, _ parts: S3Parts) throws(ObjectStoreError) {
    let variable = parts.surroundings.variable
    let server = options.endpoint ?? variable("AWS_ENDPOINT_URL_S3") ?? variable("AWS_ENDPOINT_URL")
    region = options.region ?? variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION")
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
