import Foundation

/// A record's results for people and for programs.
struct Report {
  let record: Record
  let results: [WorkloadResult]

  init(_ record: Record) {
    self.record = record
    let peers = record.engines.compactMap { name in allPeers.first { $0.name == name } }
    results = CompressionPass.allCases.flatMap { pass in
      allWorkloads.map { workload in
        WorkloadResult(
          workload, pass, peers: peers.filter(workload.includes), from: record)
      }
    }.filter { !$0.isEmpty }
  }

  /// Those of which there is something to tell.
  var passes: [CompressionPass] {
    CompressionPass.allCases.filter { pass in results.contains { $0.pass == pass } }
  }

  func lines(_ pass: CompressionPass) -> [LineResult] {
    results.filter { $0.pass == pass }.flatMap(\.lines)
  }

  /// Prints the table and draws the plot.
  func publish(plot: String) throws {
    print(text)
    guard !record.runs.isEmpty else { return }
    try ReportPlot(self).svg.write(toFile: plot, atomically: true, encoding: .utf8)
    print("plot: \(URL(fileURLWithPath: plot).path)")
  }

  static func title(_ pass: CompressionPass) -> String {
    switch pass {
    case .none: "Without compression on any engine"
    case .byDefault: "Each engine with its compression by default"
    }
  }

  /// What most lines were measured at; the others are named with their own.
  var scale: Double {
    let counts = Dictionary(results.map { ($0.scale, 1) }, uniquingKeysWith: +)
    return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 1
  }
}
