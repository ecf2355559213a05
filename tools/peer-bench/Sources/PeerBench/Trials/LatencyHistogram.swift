/// Counts of durations in buckets that are at most a thirty-second of their size wide.
struct LatencyHistogram {
  private static let fineBits = 5
  private var counts = [Int](repeating: 0, count: 64 << Self.fineBits)
  private var largest = 0
  private(set) var total = 0

  @inline(__always)
  mutating func add(_ nanoseconds: Int) {
    counts[Self.bucket(nanoseconds)] += 1
    total += 1
    if nanoseconds > largest { largest = nanoseconds }
  }

  mutating func merge(_ other: LatencyHistogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    largest = max(largest, other.largest)
    total += other.total
  }

  var latencies: Latencies {
    Latencies(
      p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99),
      p999: percentile(0.999), p9999: percentile(0.9999), max: largest, count: total)
  }

  /// The upper end of the bucket that holds it.
  private func percentile(_ share: Double) -> Int {
    var left = Int((Double(total) * share).rounded(.up))
    for (index, count) in counts.enumerated() where count > 0 {
      left -= count
      if left <= 0 { return min(largest, Self.end(ofBucket: index)) }
    }
    return largest
  }

  private static func bucket(_ nanoseconds: Int) -> Int {
    let value = max(1, nanoseconds)
    let power = Int.bitWidth - 1 - value.leadingZeroBitCount
    guard power > fineBits else { return value }
    let fine = value >> (power - fineBits) & (1 << fineBits - 1)
    return power << fineBits + fine
  }

  private static func end(ofBucket index: Int) -> Int {
    let power = index >> fineBits
    guard power > fineBits else { return index }
    let fine = index & (1 << fineBits - 1)
    return (1 << fineBits + fine + 1) << (power - fineBits) - 1
  }
}
