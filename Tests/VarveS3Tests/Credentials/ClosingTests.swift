import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// Closing a store while its credentials are asked for.
@Suite struct ClosingTests {
  /// Answers nothing until it is cancelled, a minute at most.
  private final class Silent: HTTPTransport {
    func send(
      _ request: HTTPRequest, _ cancellation: HTTPCancellation
    ) throws(HTTPFailure) -> HTTPResponse {
      _ = cancellation.sleep(until: SystemClock().monotonicNanoseconds() + 60_000_000_000)
      throw HTTPFailure(kind: .cancelled, message: "cancelled")
    }
  }

  @Test func closingEndsTheWaitForCredentials() throws {
    let variables = Surroundings.fake([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/creds"
    ])
    let store = try S3ObjectStore(S3Options("s3://bucket"), .fake(Silent(), variables))
    let codes = Monitor<[ObjectStoreError.Code?]>([])
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    // One asks, the others wait for him.
    let threads = try (0..<3).map { _ in
      try WorkerThread(name: "test") {
        let code = code { _ = try store.status(of: name("a")) }
        codes.withLock { $0.append(code) }
      }
    }
    _ = HTTPCancellation().sleep(until: start + 200_000_000)
    store.close()
    for thread in threads { thread.join() }
    #expect(codes.withLock { $0 } == [.cancelled, .cancelled, .cancelled])
    #expect(clock.monotonicNanoseconds() - start < 10_000_000_000)
  }
}
