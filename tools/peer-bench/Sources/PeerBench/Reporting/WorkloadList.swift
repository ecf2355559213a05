/// Lines as they would be run, for whoever chooses among them.
struct WorkloadList {
  private let workloads: [Workload]

  init(_ workloads: [Workload]) { self.workloads = workloads }

  var text: String {
    let names = Set(workloads.map(\.name))
    return allGroups.compactMap { group in
      let lines = group.workloads.filter { names.contains($0.name) }
      return lines.isEmpty ? nil : Self.text(group, lines)
    }.joined(separator: "\n\n")
  }

  private static func text(_ group: WorkloadGroup, _ lines: [Workload]) -> String {
    let needs = lines.contains { $0.data.isReal } ? " (with --data)" : ""
    let rows = lines.flatMap { line in
      ["  \(line.name)", "      \(line.summary)", "      shows \(figures(line))"]
    }
    return (["\(group.name): \(group.title)\(needs)"] + rows).joined(separator: "\n")
  }

  private static func figures(_ line: Workload) -> String {
    line.figures.map { figure in
      let title = figure.kind.title.isEmpty ? "" : figure.kind.title + ", "
      let pass = figure.pass == .byDefault ? " (compression by default)" : ""
      let goals = figure.goals.map { "goal " + $0.text + pass }
      return ([title + figure.kind.unit] + goals).joined(separator: ", ")
    }.joined(separator: "; ")
  }
}
