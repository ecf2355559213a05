import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

@Suite struct CacheTests {
  /// Credentials that end after so many seconds, numbered.
  private final class Counting: CredentialProvider {
    let clock: SimulatedClock
    let seconds: UInt64
    let state = Monitor((asked: 0, fails: false))

    init(_ clock: SimulatedClock, seconds: UInt64) {
      self.clock = clock
      self.seconds = seconds
    }

    var asked: Int { state.withLock { $0.asked } }

    func credentials() throws(CredentialProblem) -> S3Credentials? {
      let (number, fails) = state.withLock { state in
        state.asked += 1
        return (state.asked, state.fails)
      }
      if fails { throw CredentialProblem(message: "of the test", isPassing: true) }
      return S3Credentials(
        accessKey: "K\(number)", secretKey: Secret("S"),
        expires: clock.wallMilliseconds() + seconds * 1000)
    }
  }

  @Test func theyAreRenewedFiveMinutesBeforeTheyEnd() throws {
    let clock = SimulatedClock()
    let provider = Counting(clock, seconds: 3600)
    let cache = CredentialCache([provider], clock)
    for _ in 0..<5 { #expect(try cache.credentials().accessKey == "K1") }
    clock.pass(milliseconds: 3_299_000)
    #expect(try cache.credentials().accessKey == "K1")
    clock.pass(milliseconds: 2_000)
    #expect(try cache.credentials().accessKey == "K2")
  }

  @Test func oldOnesServeWhileTheyHold() throws {
    let clock = SimulatedClock()
    let provider = Counting(clock, seconds: 3600)
    let cache = CredentialCache([provider], clock)
    _ = try cache.credentials()
    provider.state.withLock { $0.fails = true }
    clock.pass(milliseconds: 3_400_000)
    for _ in 0..<10 { #expect(try cache.credentials().accessKey == "K1") }
    // One try, and the next after half a minute.
    #expect(provider.asked == 2)
    clock.pass(milliseconds: 30_000)
    #expect(try cache.credentials().accessKey == "K1")
    #expect(provider.asked == 3)
    clock.pass(milliseconds: 200_000)
    #expect(code { _ = try cache.credentials() } == .unavailable)
    provider.state.withLock { $0.fails = false }
    clock.pass(milliseconds: 30_000)
    #expect(try cache.credentials().accessKey == "K5")
  }

  @Test func refusedOnesAreAskedForOnce() throws {
    let clock = SimulatedClock()
    let provider = Counting(clock, seconds: 3600)
    let cache = CredentialCache([provider], clock)
    let first = try cache.credentials()
    #expect(cache.refuse(first))
    let second = try cache.credentials()
    #expect(second.accessKey == "K2")
    // Another caller, whose request was under way, was refused the first ones too.
    #expect(cache.refuse(first))
    #expect(try cache.credentials() == second)
  }

  /// Two requests were under way with the old ones: both are repeated, whoever is refused first.
  @Test func refusedOnesAreRefusedTwice() throws {
    let clock = SimulatedClock()
    let cache = CredentialCache([Counting(clock, seconds: 3600)], clock)
    let first = try cache.credentials()
    #expect(cache.refuse(first) && cache.refuse(first))
    #expect(try cache.credentials().accessKey == "K2")
    #expect(!CredentialCache([FixedProvider(given: first)], clock).refuse(first))
  }

  @Test func anEmptyTokenIsNone() throws {
    let given = S3Credentials(accessKey: "K", secretKey: Secret("S"), sessionToken: Secret(" "))
    #expect(given.sessionToken == nil)
    let json = Array(#"{"AccessKeyId":"K","SecretAccessKey":"S","Token":""}"#.utf8)
    #expect(S3Credentials(json: json, token: "Token") == given)
  }

  @Test func oneCallerAsksForAll() throws {
    let clock = SimulatedClock()
    let provider = Counting(clock, seconds: 3600)
    let cache = CredentialCache([provider], clock)
    let threads = try (0..<8).map { _ in
      try WorkerThread(name: "test") {
        for _ in 0..<100 { _ = try? cache.credentials() }
      }
    }
    for thread in threads { thread.join() }
    #expect(provider.asked == 1)
  }

  @Test(arguments: ["a\r\nx: y", "", "a b", "é"])
  func whatCannotStandInAHeaderIsNoCredential(_ text: String) {
    let cache = CredentialCache(
      [FixedProvider(given: S3Credentials(accessKey: "K", secretKey: Secret("S\(text)S")))],
      SimulatedClock())
    #expect(text.isEmpty == (code { _ = try cache.credentials() } == nil))
    let key = CredentialCache(
      [FixedProvider(given: S3Credentials(accessKey: text, secretKey: Secret("S")))],
      SimulatedClock())
    #expect(code { _ = try key.credentials() } == .denied)
  }

  @Test func thereMayBeNone() {
    #expect(code { _ = try CredentialCache([], SimulatedClock()).credentials() } == .denied)
  }
}
