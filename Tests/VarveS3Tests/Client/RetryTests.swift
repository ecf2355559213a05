import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// What is tried again, how often, and what is said in the end.
@Suite struct RetryTests {
  private let created = HTTPResponse.with(200, [("etag", "\"t\"")])

  private func put(
    _ answers: [Result<HTTPResponse, HTTPFailure>], if condition: PutCondition = .always,
    clock: SimulatedClock = SimulatedClock()
  ) throws -> (code: ObjectStoreError.Code?, requests: [HTTPRequest], error: String) {
    let transport = FakeTransport(answers)
    let store = try S3ObjectStore.fake(transport, clock: clock)
    var text = ""
    let code = code {
      do {
        _ = try store.put(name("a"), ObjectContent([1, 2, 3]), if: condition, class: nil)
      } catch {
        text = "\(error)"
        throw error
      }
    }
    return (code, transport.requests, text)
  }

  @Test func whatFailsInPassingIsTriedAgain() throws {
    let answers: [Result<HTTPResponse, HTTPFailure>] = [
      .success(.error(500, "InternalError")), .failure(.lost), .failure(.refused),
      .success(.error(503, "SlowDown")), .success(.with(429)), .success(created),
    ]
    let outcome = try put(answers)
    #expect(outcome.code == nil && outcome.requests.count == 6)
  }

  @Test func whatIsRefusedIsNotTriedAgain() throws {
    let outcome = try put([.success(.error(403, "AccessDenied", "<Message>no</Message>"))])
    #expect(outcome.code == .denied && outcome.requests.count == 1)
    #expect(outcome.error == "denied: a: status 403, AccessDenied: no")
  }

  @Test func itEndsAfterThreeMinutes() throws {
    let clock = SimulatedClock()
    let start = clock.monotonicNanoseconds()
    let outcome = try put([.failure(.refused)], clock: clock)
    let seconds = (clock.monotonicNanoseconds() - start) / 1_000_000_000
    #expect(outcome.code == .unavailable)
    #expect((150...180).contains(seconds))
    #expect((10...80).contains(outcome.requests.count))
  }

  @Test func aLostAnswerLeavesItUncertain() throws {
    #expect(try put([.failure(.lost), .failure(.refused)]).code == .uncertain)
    #expect(try put([.success(.with(500))]).code == .uncertain)
    #expect(try put([.success(.error(503, "SlowDown"))]).code == .unavailable)
    // What comes after it says nothing of it.
    #expect(try put([.failure(.lost), .success(.error(403, "AccessDenied"))]).code == .uncertain)
    #expect(try put([.failure(.refused), .success(.error(403, "A"))]).code == .denied)
  }

  @Test func whateverEndsItAnEarlierTryStaysUncertain() throws {
    let unreadable = HTTPFailure(
      kind: .content(ObjectStoreError(.invalid, "of the test")), message: "content",
      mayHaveArrived: true)
    let long = HTTPFailure(kind: .tooLarge(status: 200), message: "long", mayHaveArrived: true)
    #expect(try put([.failure(.lost), .failure(unreadable)]).code == .uncertain)
    #expect(try put([.failure(long)]).code == .uncertain)
    // Without its end a body is carried out by nobody.
    let alone = try put([.failure(unreadable)])
    #expect(alone.code == .invalid && alone.requests.count == 1)
  }

  @Test func credentialsThatAreGoneLeaveItUncertain() throws {
    let asked = Monitor(0)
    // They hold for one second, and there are none after them.
    let transport = FakeTransport { request, _ throws(HTTPFailure) in
      guard request.path == "/creds" else { throw .lost }
      let isFirst = asked.withLock { count in
        count += 1
        return count == 1
      }
      let ends = #""Expiration":"2023-11-14T22:13:21Z""#
      return isFirst
        ? .with(200, [], #"{"AccessKeyId":"K","SecretAccessKey":"s","Token":"t",\#(ends)}"#)
        : .with(403)
    }
    let variables = Surroundings.fake([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/creds"
    ])
    var options = try S3Options("s3://bucket/p")
    options.patience.firstDelayMilliseconds = 2_000
    let store = try S3ObjectStore(options, .fake(transport, variables))
    #expect(
      code { _ = try store.put(name("a"), ObjectContent([1]), if: .always, class: nil) }
        == .uncertain)
    #expect(asked.withLock { $0 } == 2)
  }

  @Test func aReadIsNeverUncertain() throws {
    let transport = FakeTransport([.failure(.lost)])
    let store = try S3ObjectStore.fake(transport)
    #expect(code { _ = try store.read(name("a"), .suffix(count: 1)) } == .unavailable)
  }

  @Test func aConditionThatFailsSaysThatItExists() throws {
    let exists = HTTPResponse.error(412, "PreconditionFailed")
    #expect(try put([.success(exists)], if: .absent).code == .exists)
    // Perhaps by the try whose answer was lost: who asked finds out.
    #expect(try put([.failure(.lost), .success(exists)], if: .absent).code == .exists)
    let conflict = HTTPResponse.error(409, "ConditionalRequestConflict")
    let outcome = try put(
      [.success(conflict), .success(conflict), .success(conflict), .success(created)], if: .absent)
    #expect(outcome.code == nil && outcome.requests.count == 4)
    #expect(outcome.requests.allSatisfy { $0.headers["if-none-match"] == "*" })
    #expect(outcome.requests.allSatisfy { $0.needsFreshConnection })
  }

  @Test func anUnconditionalWriteMayBeRepeatedByAnyone() throws {
    let outcome = try put([.success(created)])
    #expect(outcome.requests.allSatisfy { !$0.needsFreshConnection })
    #expect(outcome.requests.allSatisfy { $0.headers["if-none-match"] == nil })
  }

  @Test func aSuccessWithoutATagIsNone() throws {
    let outcome = try put([.success(.with(200)), .success(created)])
    #expect(outcome.code == nil && outcome.requests.count == 2)
    let never = try put([.success(.with(200))])
    #expect(never.code == .uncertain && never.requests.count == 4)
  }

  @Test func theServersWishIsObeyed() throws {
    let clock = SimulatedClock()
    let start = clock.monotonicNanoseconds()
    let busy = HTTPResponse.with(503, [("retry-after", "40")])
    #expect(try put([.success(busy), .success(created)], clock: clock).code == nil)
    #expect((clock.monotonicNanoseconds() - start) / 1_000_000_000 == 40)
    let dated = HTTPResponse.with(503, [("retry-after", "Fri, 24 May 2013 00:00:50 GMT")])
    #expect(try put([.success(dated), .success(created)], clock: clock).code == nil)
    #expect((clock.monotonicNanoseconds() - start) / 1_000_000_000 == 90)
    // It cannot be waited for.
    let never = HTTPResponse.with(429, [("retry-after", "999999999999")])
    #expect(try put([.success(never)], clock: clock).code == .unavailable)
    #expect((clock.monotonicNanoseconds() - start) / 1_000_000_000 == 90)
  }

  @Test func closingEndsWhatIsTriedAgain() throws {
    let box = StoreBox()
    let transport = FakeTransport { _, _ throws(HTTPFailure) in
      box.store?.close()
      throw .refused
    }
    let store = try S3ObjectStore.fake(transport)
    box.store = store
    #expect(code { _ = try store.status(of: name("a")) } == .cancelled)
    #expect(code { _ = try store.status(of: name("a")) } == .cancelled)
    #expect(transport.requests.count == 1)
    box.store = nil
  }

  @Test func delaysGrowAtRandom() {
    var backoff = Backoff(S3Patience(), FakeRandom())
    let delays = (0..<200).map { _ in backoff.next() / 1_000_000 }
    #expect(delays.allSatisfy { (100...15_000).contains($0) })
    #expect(delays[0] <= 300 && Set(delays).count > 150)
    #expect(delays.max() ?? 0 > 10_000)
  }

  @Test func repetitionsAreATenthOfAllRequests() {
    let budget = RetryBudget()
    var now: UInt64 = 1
    let first = (0..<11).map { _ in budget.take(at: now) }
    #expect(first.dropLast().allSatisfy { $0 == 0 } && first[10] == 2_000_000_000)
    budget.giveBack()
    for _ in 0..<10 { budget.earn() }
    #expect(budget.take(at: now) < 1_000)
    // Time brings one each two seconds.
    now += 4_000_000_000
    #expect(budget.take(at: now) == 0 && budget.take(at: now) < 1_000)
    #expect(budget.take(at: now) > 1_900_000_000)
  }

  @Test func readsAreHedgedRarely() {
    let policy = HedgePolicy()
    #expect(policy.delay() == nil)
    for number in 0..<100 { policy.note(number < 90 ? 1_000_000 : 900_000_000) }
    #expect(policy.delay() == 900_000_000)
    for _ in 0..<200 { policy.note(1_000_000) }
    #expect(policy.delay() == HedgePolicy.shortestDelay)
    while policy.takePermit() {}
    let permits = (0..<1000).filter { _ in
      _ = policy.delay()
      return policy.takePermit()
    }
    #expect((45...50).contains(permits.count))
  }
}

/// A store that its own transport knows.
final class StoreBox: @unchecked Sendable {
  // @unchecked: the test uses one thread.
  var store: S3ObjectStore?
}
