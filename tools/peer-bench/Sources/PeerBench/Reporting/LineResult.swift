/// One row: a figure of a workload, engine by engine.
struct LineResult {
  let name: String
  let figure: Figure
  let pass: CompressionPass
  let peers: [String]
  /// Those that are engines to compare with: not the first, not the bare log.
  private let rivals: [Int]
  private let referenceIndex: Int?
  /// What each engine did, run by run.
  let values: [[Double]]
  /// The first engine's median latency, for goals on tails.
  let ownMedianLatency: Double?

  init(_ result: WorkloadResult, _ figure: Figure, values: [[Double]]) {
    let title = figure.kind.title
    name = title.isEmpty ? result.workload.name : "\(result.workload.name): \(title)"
    self.figure = figure
    pass = result.pass
    peers = result.peers.map { $0.name }
    self.values = values
    rivals = result.peers.indices.dropFirst().filter {
      !result.peers[$0].traits.isReference && !values[$0].isEmpty
    }
    referenceIndex = result.peers.firstIndex { $0.traits.isReference }
    let first = peers.first.map(result.rounds(of:)) ?? []
    let medians = first.compactMap { $0.result.latencies[.put]?.microseconds(.p50) }
    ownMedianLatency = medians.isEmpty ? nil : medians.median
  }

  var goals: [Goal] { figure.pass == pass ? figure.goals : [] }

  /// Nil for those that have no value.
  var medians: [Double?] { values.map { $0.isEmpty ? nil : $0.median } }

  func median(of peer: String) -> Double? { peers.firstIndex(of: peer).flatMap { medians[$0] } }

  var own: Double? { medians.first ?? nil }

  var reference: Double? { referenceIndex.flatMap { medians[$0] } }

  /// The best of the others.
  var best: (peer: String, value: Double)? {
    let candidates = rivals.compactMap { index in medians[index].map { (peers[index], $0) } }
    return figure.kind.isLowerBetter
      ? candidates.min { $0.1 < $1.1 } : candidates.max { $0.1 < $1.1 }
  }

  /// The first engine to the best of the others.
  var ratioToBest: Double? { best.flatMap { ratio(to: $0.peer) } }

  var ratioToReference: Double? { referenceIndex.flatMap { ratio(to: peers[$0]) } }

  /// The median of the runs' ratios, each of two that lie close together in time.
  func ratio(to peer: String) -> Double? {
    guard let index = peers.firstIndex(of: peer), index != 0, let own = values.first,
      !own.isEmpty, !values[index].isEmpty
    else { return nil }
    return zip(own, values[index]).map { $0 / $1 }.median
  }
}
