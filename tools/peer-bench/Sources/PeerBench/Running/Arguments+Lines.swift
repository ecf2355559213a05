/// Which lines are run.
extension Arguments {
  /// In the order of the table.
  var workloads: [Workload] {
    allWorkloads.filter { workload in
      (only.isEmpty || only.contains { Self.picks($0, workload) })
        && !except.contains { Self.picks($0, workload) }
        && (!workload.data.isReal || files != nil || wantsList)
        && (!onlyGoals || hasGoals(workload))
    }
  }

  private func hasGoals(_ workload: Workload) -> Bool {
    workload.figures.contains { !$0.goals.isEmpty && passes.contains($0.pass) }
  }

  func scale(of workload: Workload) -> Double {
    workload.isLong ? longScale ?? scale : scale
  }

  /// The whole name of a line stands for that line alone, that of a group for all its lines, and
  /// anything else for the lines that begin with it.
  static func picks(_ text: String, _ workload: Workload) -> Bool {
    if allWorkloads.contains(where: { $0.name == text }) { return workload.name == text }
    if let group = allGroups.first(where: { $0.name == text }) {
      return group.workloads.contains { $0.name == workload.name }
    }
    return workload.name.hasPrefix(text)
  }

  /// Names between commas. Some names have a comma of their own: as much as makes a name is one.
  static func names(_ list: String, _ option: String) throws -> [String] {
    var (parts, names) = (list.split(separator: ",")[...], [String]())
    func whole(_ count: Int) -> String {
      let text = parts.prefix(count).joined(separator: ",")
      return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    while !parts.isEmpty {
      let count = (1...parts.count).last { count in
        allWorkloads.contains { $0.name == whole(count) }
      }
      names.append(whole(count ?? 1))
      parts = parts.dropFirst(count ?? 1)
    }
    names.removeAll(where: \.isEmpty)
    guard !names.isEmpty else { throw wrong("\(option) names no line") }
    return names
  }
}
