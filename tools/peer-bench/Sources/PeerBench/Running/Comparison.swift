import Foundation

/// Runs the workloads: in every round each is run by each engine in turn, so that what else the
/// machine does meets all of them alike.
final class Comparison {
  private let arguments: Arguments
  private let pass: CompressionPass
  private let turn: Turn
  /// What engines did that do not compress, in the pass before.
  private let known: [WorkloadResult]
  private(set) var results: [WorkloadResult]

  init(
    _ arguments: Arguments, pass: CompressionPass, known: [WorkloadResult], _ turn: Turn
  ) {
    self.arguments = arguments
    self.pass = pass
    self.turn = turn
    self.known = known
    results = arguments.workloads.map { workload in
      WorkloadResult(workload, pass, peers: arguments.peers.filter(workload.includes))
    }
  }

  /// - Parameter progress: told what was run.
  func run(progress: (String) -> Void) throws {
    for round in 0..<max(arguments.rounds, arguments.longRounds) {
      for index in results.indices {
        let workload = results[index].workload
        guard round < (workload.isLong ? arguments.longRounds : arguments.rounds) else { continue }
        let start = ContinuousClock().now
        for turn in 0..<min(workload.turns, arguments.mostTurns) {
          // Nobody is always first.
          try takeTurns(index, round: round, first: round + turn, progress)
        }
        let seconds = start.duration(to: ContinuousClock().now) / .seconds(1)
        progress(
          "\(pass.rawValue), round \(round + 1): \(workload.name) (\(Int(seconds.rounded())) s)")
      }
    }
  }

  private func takeTurns(
    _ index: Int, round: Int, first: Int, _ progress: (String) -> Void
  ) throws {
    let workload = results[index].workload
    let peers = results[index].peers
    var found: [(peer: String, result: TrialResult)] = []
    for place in peers.indices {
      let peer = peers[(place + first) % peers.count]
      if round > 0, results[index].isFarBehind(peer) { continue }
      let known = earlier(peer, workload, round)
      guard let result = try known ?? take(peer, workload, progress) else { continue }
      results[index].add(result, of: peer, round: round)
      if !peer.traits.isReference { found.append((peer.name, result)) }
    }
    try Self.compare(found, workload)
  }

  /// Nil where an engine takes more memory than it was given: it has no figure, the others go on.
  private func take(
    _ peer: any Peer.Type, _ workload: Workload, _ progress: (String) -> Void
  ) throws -> TrialResult? {
    let trial = Trial(
      stage: .measure, workload: workload.name, peer: peer.name, pass: pass,
      scale: arguments.scale(of: workload), files: arguments.files, directory: "")
    do {
      return try turn.take(trial, workload)
    } catch let failure as PeerFailure where failure.isOutOfMemory && workload.isLimited {
      progress(failure.description)
      return nil
    }
  }

  /// An engine without compression does the same in both passes.
  private func earlier(
    _ peer: any Peer.Type, _ workload: Workload, _ round: Int
  ) -> TrialResult? {
    guard !peer.traits.compresses else { return nil }
    let before = known.first { $0.workload.name == workload.name }
    return before?.rounds(of: peer.name).first { $0.round == round }?.result
  }

  private static func compare(
    _ found: [(peer: String, result: TrialResult)], _ workload: Workload
  ) throws {
    guard let first = found.first, workload.seconds == nil else { return }
    // Threads that write meet threads that read at other moments.
    let comparesReads = !(workload.isWriting && workload.threads > 1)
    for other in found.dropFirst() {
      let isSame =
        other.result.content == first.result.content
        && (!comparesReads || other.result.read == first.result.read)
      guard isSame else {
        throw PeerFailure(
          description: """
            \(workload.name): \(first.peer) and \(other.peer) answer differently: \
            \(first.result) \(other.result)
            """)
      }
    }
  }
}
