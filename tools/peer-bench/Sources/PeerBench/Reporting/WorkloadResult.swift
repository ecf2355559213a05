/// What the engines did at one workload, turn by turn.
struct WorkloadResult {
  let workload: Workload
  let pass: CompressionPass
  let scale: Double
  let peers: [any Peer.Type]
  private(set) var runs: [Record.Run] = []
  private(set) var failures: [Record.Failure] = []

  init(_ workload: Workload, _ pass: CompressionPass, scale: Double, peers: [any Peer.Type]) {
    self.workload = workload
    self.pass = pass
    self.scale = scale
    self.peers = peers
  }

  mutating func add(
    _ result: TrialResult, of peer: any Peer.Type, at moment: Record.Moment
  ) -> Record.Run {
    let run = Record.Run(
      workload: workload.name, peer: peer.name, compression: pass, scale: scale, moment: moment,
      result: result)
    runs.append(run)
    return run
  }

  mutating func addFailure(
    _ message: String, of peer: any Peer.Type, at moment: Record.Moment
  ) -> Record.Failure {
    let failure = Record.Failure(
      workload: workload.name, peer: peer.name, compression: pass, scale: scale, moment: moment,
      message: message)
    failures.append(failure)
    return failure
  }

  /// What `record` has of this workload.
  init(
    _ workload: Workload, _ pass: CompressionPass, peers: [any Peer.Type], from record: Record
  ) {
    runs = record.runs.filter { $0.workload == workload.name && $0.compression == pass }
    failures = record.failures.filter { $0.workload == workload.name && $0.compression == pass }
    self.workload = workload
    self.pass = pass
    self.peers = peers
    scale = runs.first?.scale ?? failures.first?.scale ?? 1
  }

  var isEmpty: Bool { runs.isEmpty && failures.isEmpty }

  func runs(of peer: String) -> [Record.Run] { runs.filter { $0.peer == peer } }

  func hasFailed(_ peer: String) -> Bool { failures.contains { $0.peer == peer } }

  /// Whether a peer is so far behind in the rounds so far that it will not be the best: it rests, or
  /// a run would take the time that the slowest takes.
  func isFarBehind(_ peer: any Peer.Type) -> Bool {
    guard !peer.traits.isReference, peer.name != peers.first?.name else { return false }
    let rates = peers.dropFirst().filter { !$0.traits.isReference }.compactMap { rate($0.name) }
    guard let own = rate(peer.name), let best = rates.max() else { return false }
    return own * 3 < best
  }

  private func rate(_ peer: String) -> Double? {
    let rates = runs(of: peer).map { Double($0.result.operations) / $0.result.seconds }
    return rates.isEmpty ? nil : rates.median
  }

  /// A row for each figure.
  var lines: [LineResult] {
    workload.figures.map { figure in
      LineResult(
        self, figure,
        samples: peers.map { peer in
          runs(of: peer.name).compactMap { run in
            figure.kind.value(of: run.result).map {
              LineResult.Sample(moment: run.moment, value: $0)
            }
          }
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
