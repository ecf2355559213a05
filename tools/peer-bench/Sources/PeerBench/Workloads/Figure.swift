/// One thing that is shown of a workload: a row of the table.
struct Figure {
  enum Kind: Hashable {
    case operationRate
    case megabyteRate
    /// How long it took, in milliseconds.
    case duration
    /// How long the engine then needed to flush and compact all, in seconds.
    case settling
    /// The most anonymous memory, in MiB.
    case memory
    /// Bytes written by the process to those of the user.
    case written
    /// Bytes of the closed store to those of the user.
    case onDisk
    /// In microseconds.
    case latency(LatencyOperation, Percentile)
  }

  var kind: Kind
  var goals: [Goal]
  /// The pass whose figures the goals are for.
  var pass: CompressionPass

  init(_ kind: Kind, _ goals: Goal..., pass: CompressionPass = .none) {
    self.kind = kind
    self.goals = goals
    self.pass = pass
  }

  /// Whether it has a row in the plot: some figures are only there to be read.
  var isPlotted: Bool {
    switch kind {
    case .settling, .memory: !goals.isEmpty
    default: true
    }
  }
}

enum LatencyOperation: String, Codable, CodingKeyRepresentable { case put, get }

enum Percentile: String, CaseIterable {
  case p50, p99, p999 = "p99.9", max
}

extension Figure.Kind {
  var isLowerBetter: Bool {
    switch self {
    case .operationRate, .megabyteRate: false
    default: true
    }
  }

  /// What a row is called beside its workload; empty for the main figure of most.
  var title: String {
    switch self {
    case .operationRate, .megabyteRate, .duration: ""
    case .settling: "time to settle"
    case .memory: "anonymous memory"
    case .written: "bytes written"
    case .onDisk: "on disk"
    case .latency(let operation, let percentile): "\(operation) \(percentile.rawValue)"
    }
  }

  var unit: String {
    switch self {
    case .operationRate: "k/s"
    case .megabyteRate: "MB/s"
    case .duration: "ms"
    case .settling: "s"
    case .memory: "MiB"
    case .written, .onDisk: "x user"
    case .latency: "us"
    }
  }

  /// Nil where this was not measured.
  func value(of result: TrialResult) -> Double? {
    switch self {
    case .operationRate: Double(result.operations) / 1e3 / result.seconds
    case .megabyteRate: Double(result.userBytes) / 1e6 / result.seconds
    case .duration: result.seconds * 1e3
    case .settling: result.settleSeconds
    case .memory: result.anonymousBytes.map { Double($0) / 1_048_576 }
    case .written: Self.share(result.writtenBytes, result.userBytes)
    case .onDisk: Self.share(result.diskBytes, result.storedBytes)
    case .latency(let operation, let percentile):
      result.latencies[operation]?.microseconds(percentile)
    }
  }

  private static func share(_ bytes: Int?, _ user: Int) -> Double? {
    guard let bytes, user > 0 else { return nil }
    return Double(bytes) / Double(user)
  }
}
