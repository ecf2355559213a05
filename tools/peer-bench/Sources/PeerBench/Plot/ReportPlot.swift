/// The plot of a comparison.
struct ReportPlot {
  private let report: Report

  init(_ report: Report) { self.report = report }

  var svg: String {
    let passes = report.passes
    let measured = Set(report.record.runs.map(\.peer))
    return PlotPage(
      title: "Varve beside its peers", notes: report.record.machine.lines,
      engines: report.record.engines.filter(measured.contains),
      ratios: passes.compactMap { RatioPanel(Report.title($0), rows($0)) },
      curves: passes.first.map { latencyCurves($0) + threadCurves($0) } ?? []
    ).svg
  }

  private func rows(_ pass: CompressionPass) -> [RatioPanel.Row] {
    let results = report.results.filter { $0.pass == pass }
    return allGroups.flatMap { group -> [RatioPanel.Row] in
      let names = Set(group.workloads.map(\.name))
      let lines = results.filter { names.contains($0.workload.name) }.flatMap(\.lines)
        .filter { $0.ratioToBest != nil && $0.figure.isPlotted }
      guard !lines.isEmpty else { return [] }
      return [.heading(group.title)] + lines.map { .line($0, name: report.name($0)) }
    }
  }

  private func latencyCurves(_ pass: CompressionPass) -> [CurvePanel] {
    report.results.filter { $0.pass == pass && $0.workload.measuresLatency }.flatMap { result in
      [LatencyOperation.put, .get].compactMap { latencyCurve(result, $0) }
    }
  }

  private func latencyCurve(
    _ result: WorkloadResult, _ operation: LatencyOperation
  ) -> CurvePanel? {
    let curves = result.peers.compactMap { peer -> CurvePanel.Curve? in
      let latencies = result.runs(of: peer.name).compactMap { $0.result.latencies[operation] }
      guard !latencies.isEmpty else { return nil }
      let values = [\Latencies.p50, \.p90, \.p99, \.p999, \.p9999, \.max].map { percentile in
        latencies.map { Double($0[keyPath: percentile]) / 1e3 }.median
      }
      return CurvePanel.Curve(peer: peer.name, values: values)
    }
    guard !curves.isEmpty else { return nil }
    return CurvePanel(
      title: "\(result.workload.name): latency of a \(operation.rawValue)",
      note: "microseconds, by percentile", places: ["50", "90", "99", "99.9", "99.99", "max"],
      curves: curves)
  }

  private func threadCurves(_ pass: CompressionPass) -> [CurvePanel] {
    let names = threadedWorkloads.map(\.name)
    let results = report.results.filter { $0.pass == pass && names.contains($0.workload.name) }
    guard results.count > 1 else { return [] }
    let lines = results.compactMap { $0.lines.first }
    let curves = results[0].peers.map { peer in
      CurvePanel.Curve(peer: peer.name, values: lines.map { $0.median(of: peer.name) })
    }
    return [
      CurvePanel(
        title: "Reads by threads", note: "thousand gets a second, random keys",
        places: results.map { String($0.workload.threads) }, curves: curves)
    ]
  }
}
