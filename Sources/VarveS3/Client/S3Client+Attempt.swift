import VarveObjects
import VarvePlatform

/// One try of a call: signed, sent, judged, and learned from.
extension S3Client {
  /// The answer, or nil where another try is due.
  func attempt(
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
