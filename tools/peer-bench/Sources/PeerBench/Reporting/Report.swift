import Foundation

/// A run's results for people and for programs.
struct Report {
  let arguments: Arguments
  let results: [WorkloadResult]
  let seconds: Double
  let machine = Machine()

  init(_ arguments: Arguments, _ results: [WorkloadResult], seconds: Double) {
    self.arguments = arguments
    self.results = results
    self.seconds = seconds
  }

  func lines(_ pass: CompressionPass) -> [LineResult] {
    results.filter { $0.pass == pass }.flatMap(\.lines)
  }

  func publish(to arguments: Arguments) throws {
    print(text)
    if let path = arguments.json { try writeJSON(to: path) }
    let plot = ReportPlot(self).svg
    try plot.write(toFile: arguments.plot, atomically: true, encoding: .utf8)
    print("plot: \(URL(fileURLWithPath: arguments.plot).path)")
  }

  private var text: String {
    let tables = arguments.passes.flatMap { pass in
      ["", Self.title(pass), table(pass)]
    }
    return (machine.lines + tables + ["", summary]).joined(separator: "\n")
  }

  static func title(_ pass: CompressionPass) -> String {
    switch pass {
    case .none: "Without compression on any engine"
    case .byDefault: "Each engine with its compression by default"
    }
  }

  private func table(_ pass: CompressionPass) -> String {
    let lines = lines(pass)
    let peers = arguments.peers.map { $0.name }.filter { peer in
      lines.contains { $0.median(of: peer) != nil }
    }
    var table = TextTable()
    table.rows.append(["", "unit"] + peers + ["to best", "goal", ""])
    for line in lines {
      let cells = peers.map { Self.short(line.median(of: $0)) }
      let ratio = line.ratioToBest.map { String(format: "%.2f", $0) } ?? ""
      let goals = line.goals.isEmpty ? [nil] : line.goals.map { Optional($0) }
      for (place, goal) in goals.enumerated() {
        let row = place == 0 ? [line.name, line.figure.kind.unit] + cells + [ratio] : []
        let blank = [String](repeating: "", count: place == 0 ? 0 : peers.count + 3)
        table.rows.append(row + blank + [goal?.text ?? "", Self.verdict(goal, line)])
      }
    }
    return table.text(leading: 2, trailing: 2)
  }

  private static func verdict(_ goal: Goal?, _ line: LineResult) -> String {
    guard let progress = goal?.progress(line) else { return "" }
    return progress >= 1 ? "met" : String(format: "BELOW (%.0f %%)", 100 * progress)
  }

  private var summary: String {
    let verdicts = arguments.passes.flatMap(lines).flatMap { line in
      line.goals.compactMap { $0.progress(line) }
    }
    return String(
      format: "%d of %d goals met; %d rounds at scale %g in %.0f s", verdicts.count { $0 >= 1 },
      verdicts.count, arguments.rounds, arguments.scale, seconds)
  }

  static func short(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "-" }
    let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
    return String(format: "%.\(digits)f", value)
  }
}
