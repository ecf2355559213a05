import VarveObjects
import VarvePlatform

/// The tries of one call: how many, since when, and what is known of those that failed.
struct S3Attempts {
  /// What may be learned from an answer, once in a call: a server that says it each time must not keep a
  /// call for ever.
  enum Lesson {
    case place, time, credentials
  }

  private static let mostGarbled = 4

  let call: S3Call
  /// Whether a try may have been carried out whose answer is unknown.
  private(set) var isUncertain = false

  private let parts: S3Parts
  private let budget: RetryBudget
  private var backoff: Backoff
  private let deadline: UInt64
  private var lessons: Set<Lesson> = []
  private var garbled = 0
  private var count = 1

  init(_ call: S3Call, _ patience: S3Patience, _ parts: S3Parts, _ budget: RetryBudget) {
    self.call = call
    self.parts = parts
    self.budget = budget
    backoff = Backoff(patience, parts.random)
    // What takes long to send may be sent again when it failed late.
    deadline =
      parts.clock.monotonicNanoseconds()
      &+ min(patience.retryMilliseconds, call.mostRetryMilliseconds) &* 1_000_000
      &+ call.nanoseconds(for: call.body.count)
    budget.earn()
  }

  mutating func learns(_ lesson: Lesson) -> Bool { lessons.insert(lesson).inserted }

  /// A try without an answer: returns when the next is due, or throws.
  mutating func note(
    _ failure: HTTPFailure, _ cancellation: HTTPCancellation
  ) throws(ObjectStoreError) {
    if failure.mayHaveArrived, !failure.isOfContent, call.changes { isUncertain = true }
    switch failure.kind {
    case .unreachable, .broken, .timeout:
      try pause(failure.message, atLeast: 0, .unavailable, cancellation)
    case .cancelled: throw cancelled
    case .content(let error): throw last(error)
    case .tooLarge(let status) where status == 200 && call.headers["range"] != nil:
      throw final(.unsupported, "the bucket does not honour ranges")
    case .tooLarge: throw final(.damaged, failure.message)
    case .untrusted: throw final(.unavailable, failure.message)
    case .invalid: throw final(.invalid, failure.message)
    case .missing: throw final(.unsupported, failure.message)
    }
  }

  /// A try whose answer is no good: returns when the next is due, or throws.
  mutating func judge(
    _ verdict: S3Verdict, _ response: HTTPResponse, status: Int, _ document: S3ErrorDocument,
    _ cancellation: HTTPCancellation
  ) throws(ObjectStoreError) {
    let said = [document.code, document.message].filter { !$0.isEmpty }.joined(separator: ": ")
    let text = "status \(status)" + (said.isEmpty ? "" : ", \(said)")
    switch verdict {
    case .again(let isUncertain):
      if isUncertain, call.changes { self.isUncertain = true }
      try pause(text, atLeast: Self.retryAfter(response), .unavailable, cancellation)
    case .garbled:
      garbled += 1
      if call.changes { isUncertain = true }
      let text = "the answer is not whole (\(text))"
      guard garbled < Self.mostGarbled else { throw final(.damaged, text) }
      try pause(text, atLeast: 0, .damaged, cancellation)
    case .failed(let code): throw final(code, text)
    case .otherRegion: throw final(.invalid, "the bucket is elsewhere (\(text))")
    case .otherTime: throw final(.denied, "the clocks are too far apart (\(text))")
    case .otherCredentials: throw final(.denied, text)
    case .done: break
    }
  }

  /// Waits before the next try; throws where there is no time for it.
  private mutating func pause(
    _ text: String, atLeast least: UInt64, _ code: ObjectStoreError.Code,
    _ cancellation: HTTPCancellation
  ) throws(ObjectStoreError) {
    let now = parts.clock.monotonicNanoseconds()
    let delay = max(backoff.next(), least, budget.take(at: now))
    guard now < deadline, delay <= deadline - now else {
      budget.giveBack()
      throw final(code, "\(text), after \(count) \(count == 1 ? "try" : "tries")")
    }
    count += 1
    guard parts.pause(delay, cancellation) else {
      throw cancelled
    }
  }

  /// Seconds or a date (RFC 9110, 10.2.3), in nanoseconds.
  private static func retryAfter(_ response: HTTPResponse) -> UInt64 {
    guard let text = response.headers["retry-after"] else { return 0 }
    if let seconds = UInt64(digits: text) { return min(seconds, 3600) * 1_000_000_000 }
    guard let until = CivilTime(header: text)?.milliseconds, let now = response.serverTime else {
      return 0
    }
    return min(until - min(until, now), 3_600_000) * 1_000_000
  }

  var cancelled: ObjectStoreError { error(.cancelled, "the object store was closed") }

  /// The call's last word where `failure` ends it before a try was made.
  func last(_ failure: ObjectStoreError) -> ObjectStoreError {
    final(failure.code, failure.message)
  }

  /// The call's last word. After a try that may have been carried out no failure says that none was.
  private func final(_ code: ObjectStoreError.Code, _ text: String) -> ObjectStoreError {
    isUncertain
      ? error(.uncertain, "\(text); an earlier try may have been carried out")
      : error(code, text)
  }

  private func error(_ code: ObjectStoreError.Code, _ text: String) -> ObjectStoreError {
    ObjectStoreError(code, text, object: call.object)
  }
}
