/// The rates of one line, engine by engine, round by round.
struct LineResult: Encodable {
  var name: String
  var unit: String
  var peers: [String]
  var rates: [[Double]]

  init(_ workload: Workload, peers: [String]) {
    name = workload.name
    unit = workload.unit.rawValue
    self.peers = peers
    rates = peers.map { _ in [] }
  }

  var medians: [Double] { rates.map(\.median) }

  /// The first engine to the best of the others: the median of the rounds' ratios, each of two runs
  /// that lie close together in time. Nil without others.
  var ratio: Double? {
    let others = medians.dropFirst()
    guard let best = others.indices.max(by: { others[$0] < others[$1] }) else { return nil }
    return zip(rates[0], rates[best]).map { $0 / $1 }.median
  }

  private enum Keys: String, CodingKey { case name, unit, medians, ratio, rates }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(name, forKey: .name)
    try container.encode(unit, forKey: .unit)
    try container.encode(ratio, forKey: .ratio)
    try container.encode(named(medians), forKey: .medians)
    try container.encode(named(rates), forKey: .rates)
  }

  private func named<Value>(_ values: [Value]) -> [String: Value] {
    Dictionary(uniqueKeysWithValues: zip(peers, values))
  }
}

/// The room that one engine's settled store takes.
struct SpaceResult: Encodable {
  var peer: String
  var data: String
  var bytes: Int
  var userBytes: Int
}

extension [Double] {
  var median: Double {
    guard !isEmpty else { return .nan }
    let sorted = sorted()
    let middle = count / 2
    return count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
