/// What the engines did at one workload, round by round.
struct WorkloadResult {
  let workload: Workload
  let pass: CompressionPass
  let peers: [any Peer.Type]
  private var results: [String: [(round: Int, result: TrialResult)]] = [:]

  init(_ workload: Workload, _ pass: CompressionPass, peers: [any Peer.Type]) {
    self.workload = workload
    self.pass = pass
    self.peers = peers
  }

  mutating func add(_ result: TrialResult, of peer: any Peer.Type, round: Int) {
    results[peer.name, default: []].append((round, result))
  }

  func rounds(of peer: String) -> [(round: Int, result: TrialResult)] { results[peer] ?? [] }

  /// Whether a peer is so far behind in the rounds so far that it will not be the best: it rests, or
  /// a run would take the time that the slowest takes.
  func isFarBehind(_ peer: any Peer.Type) -> Bool {
    guard !peer.traits.isReference, peer.name != peers.first?.name else { return false }
    let rates = peers.dropFirst().filter { !$0.traits.isReference }.map { rate($0.name) }
    return rate(peer.name) * 3 < rates.max() ?? 0
  }

  private func rate(_ peer: String) -> Double {
    rounds(of: peer).map { Double($0.result.operations) / $0.result.seconds }.median
  }

  /// A row for each figure.
  var lines: [LineResult] {
    workload.figures.map { figure in
      LineResult(
        self, figure,
        values: peers.map { peer in
          rounds(of: peer.name).compactMap { figure.kind.value(of: $0.result) }
        })
    }
  }
}

extension [Double] {
  var median: Double {
    guard !isEmpty else { return .nan }
    let sorted = sorted()
    let middle = count / 2
    return count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
