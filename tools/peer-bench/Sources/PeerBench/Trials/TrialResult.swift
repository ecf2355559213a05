/// What one trial found.
struct TrialResult: Codable {
  var seconds = 0.0
  var operations = 0
  /// Bytes of the keys and values written.
  var userBytes = 0
  /// What the reads found, and what was in the store at the end.
  var read = Tally()
  var content: Tally?
  var settleSeconds: Double?
  /// The most anonymous memory above what the process had before.
  var anonymousBytes: Int?
  /// Bytes the process made the system write.
  var writtenBytes: Int?
  /// Bytes of the closed store, and of all keys and values in it.
  var diskBytes: Int?
  var storedBytes = 0
  var latencies: [LatencyOperation: Latencies] = [:]
}

/// The shape of a distribution, in nanoseconds.
struct Latencies: Codable {
  var p50 = 0
  var p90 = 0
  var p99 = 0
  var p999 = 0
  var p9999 = 0
  var max = 0
  var count = 0

  func microseconds(_ percentile: Percentile) -> Double {
    let nanoseconds =
      switch percentile {
      case .p50: p50
      case .p99: p99
      case .p999: p999
      case .max: max
      }
    return Double(nanoseconds) / 1e3
  }
}
