import Foundation

extension Report {
  func writeJSON(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let document = Document(
      machine: machine, scale: arguments.scale, rounds: arguments.rounds, seconds: seconds,
      lines: arguments.passes.flatMap { lines($0).map(Row.init) },
      runs: results.flatMap(Run.all))
    try encoder.encode(document).write(to: URL(fileURLWithPath: path))
  }

  private struct Document: Encodable {
    var machine: Machine
    var scale: Double
    var rounds: Int
    var seconds: Double
    var lines: [Row]
    var runs: [Run]
  }

  private struct Row: Encodable {
    var name: String
    var compression: CompressionPass
    var unit: String
    var medians: [String: Double]
    var values: [String: [Double]]
    var ratioToBest: Double?
    var ratioToReference: Double?
    var goals: [Outcome]

    struct Outcome: Encodable {
      var goal: String
      var progress: Double?
      var isMet: Bool?
    }

    init(_ line: LineResult) {
      name = line.name
      compression = line.pass
      unit = line.figure.kind.unit
      values = Dictionary(uniqueKeysWithValues: zip(line.peers, line.values))
      medians = values.filter { !$0.value.isEmpty }.mapValues(\.median)
      ratioToBest = line.ratioToBest
      ratioToReference = line.ratioToReference
      goals = line.goals.map { goal in
        let progress = goal.progress(line)
        return Outcome(goal: goal.text, progress: progress, isMet: progress.map { $0 >= 1 })
      }
    }
  }

  /// Everything that one trial found.
  private struct Run: Encodable {
    var workload: String
    var peer: String
    var compression: CompressionPass
    var round: Int
    var result: TrialResult

    static func all(_ result: WorkloadResult) -> [Run] {
      result.peers.flatMap { peer in
        result.rounds(of: peer.name).map { round in
          Run(
            workload: result.workload.name, peer: peer.name, compression: result.pass,
            round: round.round, result: round.result)
        }
      }
    }
  }
}
