import Foundation

/// Runs the lines: in every round each line is run by each engine in turn, so that what else the
/// machine does meets all of them alike.
final class Comparison {
  private let peers: [any Peer.Type]
  private let workloads: [Workload]
  private let scale: Double
  private let workplace: Workplace
  private let embeddings: String?
  private var datasets: [DataKind: Dataset] = [:]
  private var sharedStores: [String: any Peer] = [:]
  private(set) var results: [LineResult]
  private(set) var space: [SpaceResult] = []

  init(
    _ peers: [any Peer.Type], _ workloads: [Workload], scale: Double, embeddings: String?,
    in workplace: Workplace
  ) {
    self.peers = peers
    self.workloads = workloads
    self.scale = scale
    self.embeddings = embeddings
    self.workplace = workplace
    results = workloads.map { LineResult($0, peers: peers.map { $0.name }) }
  }

  /// - Parameter progress: told what runs next.
  func run(rounds: Int, progress: (String) -> Void) throws {
    for round in 0..<rounds {
      for (line, workload) in workloads.enumerated() {
        let prepared = PreparedWorkload(workload, try dataset(workload.data), scale: scale)
        for turn in 0..<workload.turns {
          progress("round \(round + 1): \(workload.name)")
          // Nobody is always first.
          try takeTurns(line, prepared, first: round + turn)
        }
      }
    }
    for store in sharedStores.values { try store.close() }
    sharedStores = [:]
  }

  private func takeTurns(_ line: Int, _ prepared: PreparedWorkload, first: Int) throws {
    var tallies: [Tally] = []
    for place in peers.indices {
      let index = (place + first) % peers.count
      let (rate, tally) = try measure(peers[index], prepared)
      results[line].rates[index].append(rate)
      tallies.append(tally)
    }
    try Self.compare(tallies, prepared)
  }

  private func dataset(_ kind: DataKind) throws -> Dataset {
    if let known = datasets[kind] { return known }
    let made: Dataset
    switch (kind, embeddings) {
    case (.small, _): made = Dataset(count: scaled(1_000_000), valueBytes: 100)
    case (.large, _): made = Dataset(count: scaled(200_000), valueBytes: 3 << 10)
    case (.embeddings, let path?): made = try Dataset(embeddingsAt: path)
    case (.embeddings, nil): throw PeerFailure(description: "no embeddings were named")
    }
    datasets[kind] = made
    return made
  }

  private func scaled(_ count: Int) -> Int { max(100, Int(Double(count) * scale)) }

  private static func compare(_ tallies: [Tally], _ prepared: PreparedWorkload) throws {
    let name = prepared.workload.name
    guard tallies.allSatisfy({ $0 == tallies.first }) else {
      throw PeerFailure(description: "\(name): the engines answer differently: \(tallies)")
    }
    if let expected = prepared.expectedItems, let found = tallies.first?.items, found != expected {
      throw PeerFailure(description: "\(name): \(found) items were read and not \(expected)")
    }
  }
}

// MARK: - One engine, one line

extension Comparison {
  /// Operations or bytes a second, and what was read.
  private func measure<P: Peer>(
    _ type: P.Type, _ prepared: PreparedWorkload
  ) throws -> (rate: Double, tally: Tally) {
    let workload = prepared.workload
    if workload.start == .shared { return try time(sharedStore(type, prepared), prepared) }
    let directory = try workplace.makeDirectory(for: type.name)
    defer { workplace.remove(directory) }
    let peer = try type.init(in: directory, PeerSettings(isDurable: workload.isDurable))
    if workload.start == .filled { try fill(peer, prepared.data) }
    // What the disk still owes from runs before is not this engine's to pay.
    sync()
    let (rate, _) = try time(peer, prepared)
    // What was written is read back, outside the clock.
    var written = Tally()
    try peer.scan(from: nil, limit: .max, backward: false, into: &written)
    try peer.close()
    return (rate, written)
  }

  private func time<P: Peer>(
    _ peer: P, _ prepared: PreparedWorkload
  ) throws -> (rate: Double, tally: Tally) {
    var tally = Tally()
    let elapsed = try ContinuousClock().measure { try prepared.run(peer, into: &tally) }
    let seconds = elapsed / .seconds(1)
    switch prepared.workload.unit {
    case .operations: return (Double(prepared.operationCount) / 1e3 / seconds, tally)
    case .megabytes: return (Double(prepared.writtenBytes) / 1e6 / seconds, tally)
    }
  }

  /// The store of all lines that only read this data; a first scan has warmed it.
  private func sharedStore<P: Peer>(_ type: P.Type, _ prepared: PreparedWorkload) throws -> P {
    let kind = prepared.workload.data
    let name = "\(type.name)-\(kind)"
    if let known = sharedStores[name] as? P { return known }
    let directory = try workplace.makeDirectory(for: name)
    let peer = try type.init(in: directory, PeerSettings())
    try fill(peer, prepared.data)
    var tally = Tally()
    try peer.scan(from: nil, limit: .max, backward: false, into: &tally)
    sharedStores[name] = peer
    space.append(
      SpaceResult(
        peer: type.name, data: kind.rawValue, bytes: workplace.bytesOnDisk(in: directory),
        userBytes: prepared.data.byteCount))
    return peer
  }

  private func fill(_ peer: some Peer, _ data: Dataset) throws {
    let filling = Workload(name: "", data: .small, action: .put(batch: 100), start: .empty)
    var tally = Tally()
    try PreparedWorkload(filling, data, scale: 1).run(peer, into: &tally)
    try peer.settle()
  }
}
