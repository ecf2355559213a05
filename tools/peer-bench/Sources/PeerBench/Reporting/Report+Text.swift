import Foundation

extension Report {
  var text: String {
    let tables = passes.flatMap { pass in ["", Self.title(pass), table(pass)] }
    return (record.machine.lines + tables + ["", summary] + failures).joined(separator: "\n")
  }

  private func table(_ pass: CompressionPass) -> String {
    let lines = lines(pass)
    let peers = record.engines.filter { peer in
      lines.contains { $0.median(of: peer) != nil || $0.hasFailed(peer) }
    }
    var table = TextTable()
    table.rows.append(["", "unit"] + peers + ["to best", "goal", ""])
    for line in lines {
      let cells = peers.map { Self.cell(line, $0) }
      let goals = line.goals.isEmpty ? [nil] : line.goals.map { Optional($0) }
      for (place, goal) in goals.enumerated() {
        let row = place == 0 ? [name(line), Self.unit(line)] + cells + [Self.ratio(line)] : []
        let blank = [String](repeating: "", count: place == 0 ? 0 : peers.count + 3)
        table.rows.append(row + blank + [goal?.text ?? "", Self.verdict(goal, line)])
      }
    }
    return table.text(leading: 2, trailing: 2)
  }

  func name(_ line: LineResult) -> String {
    line.scale == scale ? line.name : line.name + String(format: " (scale %g)", line.scale)
  }

  private static func unit(_ line: LineResult) -> String {
    line.figure.kind.unit + (line.figure.kind.isLowerBetter ? " ↓" : "")
  }

  private static func cell(_ line: LineResult, _ peer: String) -> String {
    guard line.hasFailed(peer) else { return short(line.median(of: peer)) }
    return line.median(of: peer) == nil ? "failed" : short(line.median(of: peer)) + "!"
  }

  private static func ratio(_ line: LineResult) -> String {
    guard let ratio = line.ratioToBest else { return "" }
    if ratio >= 1000 { return ">1000" }
    return ratio >= 100 ? short(ratio) : String(format: "%.2f", ratio)
  }

  private static func verdict(_ goal: Goal?, _ line: LineResult) -> String {
    guard let goal else { return "" }
    guard let progress = goal.progress(line) else { return "not known" }
    return progress >= 1 ? "met" : String(format: "BELOW (%.0f %%)", 100 * progress)
  }

  static func short(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "-" }
    let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
    return String(format: "%.\(digits)f", value)
  }
}

// MARK: - Below the tables

extension Report {
  private var summary: String {
    let verdicts = passes.flatMap(lines).flatMap { line in line.goals.map { $0.progress(line) } }
    let known = verdicts.compactMap { $0 }
    let unknown = verdicts.count - known.count
    let lines = [
      "to best: \(record.engines.first ?? "the first") to the best of the others; more than 1 is "
        + "better, and less than 1 where the unit has a ↓",
      "\(known.count { $0 >= 1 }) of \(known.count) goals met"
        + (unknown > 0 ? ", \(unknown) not known" : "")
        + String(format: "; %d runs at scale %g in ", record.runs.count, scale)
        + Self.duration(record.seconds),
    ]
    let small = scale < 1 ? ["the goals are for full scale, and for medians of several rounds"] : []
    let end = record.isWhole ? [] : ["BROKEN OFF: not all that was asked for was measured"]
    return (lines + small + strangers + end).joined(separator: "\n")
  }

  /// Files may be older than the lines.
  private var strangers: [String] {
    let names = Set(record.runs.map(\.workload)).subtracting(allWorkloads.map(\.name))
    return names.isEmpty
      ? [] : ["not shown, for no line has this name: " + names.sorted().joined(separator: "; ")]
  }

  private var failures: [String] {
    guard !record.failures.isEmpty else { return [] }
    return ["", "FAILED:"] + record.failures.map { "  " + $0.text }
  }

  static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole < 120 { return "\(whole) s" }
    return whole < 7200
      ? "\((whole + 30) / 60) min" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
