/// What a run has found, as it lies in a file: enough to print its table and its plot again, alone or
/// together with others.
struct Record: Codable {
  var machine = Machine()
  /// The words of the command line.
  var command: [String] = []
  /// By name; the first is compared with the rest.
  var engines: [String] = []
  var seconds = 0.0
  /// Whether everything that was asked for was tried.
  var isWhole = false
  var runs: [Run] = []
  var failures: [Failure] = []

  /// Where in a run something was measured. Engines are compared turn by turn.
  struct Moment: Hashable, Codable, Comparable {
    var round: Int
    var turn = 0

    static func < (one: Moment, other: Moment) -> Bool {
      (one.round, one.turn) < (other.round, other.turn)
    }
  }

  /// What one trial found.
  struct Run: Codable {
    var workload: String
    var peer: String
    var compression: CompressionPass
    var scale: Double
    var moment: Moment
    var result: TrialResult
  }

  /// A trial that found nothing.
  struct Failure: Codable {
    var workload: String
    var peer: String
    var compression: CompressionPass
    var scale: Double
    var moment: Moment
    var message: String
  }
}

extension Record.Failure {
  /// In a sentence.
  var text: String {
    let pass = compression == .none ? "without compression" : "compression by default"
    return "\(workload), \(peer), \(pass), round \(moment.round + 1): \(message)"
  }
}
