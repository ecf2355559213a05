import Foundation

extension Report {
  /// The record, and with it the table's rows for whoever does not want to work them out again.
  func writeJSON(to path: String) throws {
    try JSONFile.write(Document(record: record, lines: passes.flatMap(lines).map(Row.init)), path)
  }

  private struct Document: Encodable {
    var record: Record
    var lines: [Row]

    private enum Key: CodingKey { case lines }

    func encode(to encoder: any Encoder) throws {
      try record.encode(to: encoder)
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(lines, forKey: .lines)
    }
  }

  private struct Row: Encodable {
    var name: String
    var compression: CompressionPass
    var unit: String
    var isLowerBetter: Bool
    var medians: [String: Double]
    var values: [String: [Double]]
    var failed: [String]
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
      isLowerBetter = line.figure.kind.isLowerBetter
      values = Dictionary(uniqueKeysWithValues: zip(line.peers, line.values))
      medians = values.filter { !$0.value.isEmpty }.mapValues(\.median)
      failed = line.peers.filter(line.hasFailed)
      ratioToBest = line.ratioToBest
      ratioToReference = line.ratioToReference
      goals = line.goals.map { goal in
        let progress = goal.progress(line)
        return Outcome(goal: goal.text, progress: progress, isMet: progress.map { $0 >= 1 })
      }
    }
  }
}

enum JSONFile {
  /// All or nothing: the file that was there stays until the new one is whole. A division by zero is
  /// written as a word; it must not lose the rest.
  static func write(_ value: some Encodable, _ path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinite", negativeInfinity: "-infinite", nan: "none")
    try encoder.encode(value).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
