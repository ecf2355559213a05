import Foundation

/// What operations cost at each size of the store.
struct ScalingReport: Codable {
  var machine: Machine
  let sizes: [Int]
  let peers: [String]
  /// Whether everything that was asked for was tried.
  var isWhole = false
  private(set) var operations: [Operation] = []
  private(set) var failures: [String] = []

  struct Operation: Codable {
    var name: String
    /// By engine, a value for each size.
    var nanoseconds: [String: [Double?]]
  }

  init(machine: Machine, sizes: [Int], peers: [String]) {
    self.machine = machine
    self.sizes = sizes
    self.peers = peers
  }

  mutating func add(_ nanoseconds: Double, _ name: String, _ peer: String, _ size: Int) {
    let index = operations.firstIndex { $0.name == name } ?? operations.count
    if index == operations.count {
      operations.append(Operation(name: name, nanoseconds: [:]))
    }
    let none = [Double?](repeating: nil, count: sizes.count)
    let place = sizes.firstIndex(of: size) ?? 0
    operations[index].nanoseconds[peer, default: none][place] = nanoseconds
  }

  mutating func fail(_ text: String, _ say: (String) -> Void) {
    failures.append(text)
    say("FAILED: \(text)")
  }

  func publish(plot: String) throws {
    print((machine.lines + ["", table] + notes).joined(separator: "\n"))
    guard !operations.isEmpty else { return }
    try svg.write(toFile: plot, atomically: true, encoding: .utf8)
    print("plot: \(URL(fileURLWithPath: plot).path)")
  }

  private var notes: [String] {
    (isWhole ? [] : ["", "BROKEN OFF: not all that was asked for was measured"])
      + (failures.isEmpty ? [] : ["", "FAILED:"] + failures.map { "  " + $0 })
  }

  private var table: String {
    var table = TextTable()
    table.rows.append(["nanoseconds an operation", "entries"] + peers)
    for operation in operations {
      for (place, size) in sizes.enumerated() {
        let cells = peers.map { Report.short(operation.nanoseconds[$0]?[place]) }
        table.rows.append(
          [place == 0 ? operation.name : "", LogScale.label(Double(size))] + cells)
      }
    }
    return table.text(leading: 1, trailing: 0)
  }

  private var svg: String {
    let curves = operations.map { operation in
      CurvePanel(
        title: operation.name, note: "nanoseconds an operation, by entries of 16 + 100 bytes",
        places: sizes.map { LogScale.label(Double($0)) },
        curves: peers.map { peer in
          CurvePanel.Curve(peer: peer, values: operation.nanoseconds[peer] ?? [])
        })
    }
    return PlotPage(
      title: "What an operation costs as the store grows", notes: machine.lines, engines: peers,
      curves: curves
    ).svg
  }
}
