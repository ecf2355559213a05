/// One row: a figure of a workload, engine by engine.
struct LineResult {
  struct Sample {
    var moment: Record.Moment
    var value: Double
  }

  let name: String
  let figure: Figure
  let pass: CompressionPass
  let scale: Double
  let peers: [String]
  /// Those that are engines to compare with: not the first, not the bare log.
  private let rivals: [Int]
  private let referenceIndex: Int?
  /// What each engine did, turn by turn.
  let samples: [[Sample]]
  /// The first engine's median latency, for goals on tails.
  let ownMedianLatency: Double?
  private let failed: Set<String>

  init(_ result: WorkloadResult, _ figure: Figure, samples: [[Sample]]) {
    let title = figure.kind.title
    name = title.isEmpty ? result.workload.name : "\(result.workload.name): \(title)"
    self.figure = figure
    pass = result.pass
    scale = result.scale
    peers = result.peers.map { $0.name }
    self.samples = samples
    rivals = result.peers.indices.dropFirst().filter {
      !result.peers[$0].traits.isReference && !samples[$0].isEmpty
    }
    referenceIndex = result.peers.firstIndex { $0.traits.isReference }
    let first = peers.first.map(result.runs(of:)) ?? []
    let medians = first.compactMap { $0.result.latencies[.put]?.microseconds(.p50) }
    ownMedianLatency = medians.isEmpty ? nil : medians.median
    failed = Set(peers.filter(result.hasFailed))
  }

  var goals: [Goal] { figure.pass == pass ? figure.goals : [] }

  var values: [[Double]] { samples.map { $0.map(\.value) } }

  /// Nil for those that have no value.
  var medians: [Double?] { values.map { $0.isEmpty ? nil : $0.median } }

  func median(of peer: String) -> Double? { peers.firstIndex(of: peer).flatMap { medians[$0] } }

  /// Whether a run of it found nothing.
  func hasFailed(_ peer: String) -> Bool { failed.contains(peer) }

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

  /// The median of the ratios of those turns that both took, which lie close together in time; nil
  /// where there is nothing to divide by.
  func ratio(to peer: String) -> Double? {
    guard let index = peers.firstIndex(of: peer), index != 0, let own = samples.first else {
      return nil
    }
    let theirs = Dictionary(samples[index].map { ($0.moment, $0.value) }) { first, _ in first }
    var ratios = own.compactMap { sample in theirs[sample.moment].map { sample.value / $0 } }
    if ratios.isEmpty, let own = self.own, let other = medians[index] { ratios = [own / other] }
    let ratio = ratios.median
    return ratio.isFinite ? ratio : nil
  }
}
