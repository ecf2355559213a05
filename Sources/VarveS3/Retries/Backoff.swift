import VarvePlatform

/// How long to wait before each repetition: decorrelated jitter (M. Brooker, "Exponential Backoff And
/// Jitter", AWS Architecture Blog), a random time between the first delay and three times the last one.
/// Times in nanoseconds.
struct Backoff {
  private let first: UInt64
  private let longest: UInt64
  private let random: any RandomSource
  private var last: UInt64

  init(_ patience: S3Patience, _ random: any RandomSource) {
    first = max(1, patience.firstDelayMilliseconds) &* 1_000_000
    longest = max(first, patience.longestDelayMilliseconds &* 1_000_000)
    last = first
    self.random = random
  }

  mutating func next() -> UInt64 {
    let most = min(longest, last &* 3)
    last = first + random.next() % (most - first + 1)
    return last
  }
}
