import Foundation

/// What one operation costs as the store grows.
struct Scaling {
  private let arguments: Arguments
  private let turn: Turn
  private static let names = [
    "fill random", "read random", "read absent", "seek + 10", "scan forward", "overwrite random",
  ]

  init(_ arguments: Arguments, _ workplace: Workplace) {
    self.arguments = arguments
    turn = Turn(workplace: workplace, shelf: StoreShelf(workplace))
  }

  /// - Parameter keep: told all that was found so far.
  /// - Returns: what was found until the end, or until the run was broken off.
  func run(say: (String) -> Void, keep: (ScalingReport) -> Void) -> ScalingReport {
    var report = ScalingReport(
      machine: Machine(), sizes: arguments.sizes, peers: peers.map { $0.name })
    do {
      for size in arguments.sizes {
        guard Self.bytesOnDisk(size) < turn.workplace.freeBytes else {
          report.fail("\(size) entries: left out, there is too little room on the disk", say)
          continue
        }
        for peer in peers { try measure(peer, size, &report, say, keep) }
      }
      report.isWhole = true
    } catch {}
    keep(report)
    return report
  }

  /// A store, a copy of it to overwrite, and as much again while it is compacted.
  private static func bytesOnDisk(_ size: Int) -> Int { 4 * size * 120 }

  private var peers: [any Peer.Type] { arguments.peers.filter { !$0.traits.isReference } }

  private func measure(
    _ peer: any Peer.Type, _ size: Int, _ report: inout ScalingReport, _ say: (String) -> Void,
    _ keep: (ScalingReport) -> Void
  ) throws(BrokenOff) {
    // Large stores do not wait for each other on the disk.
    defer { turn.shelf.removeAll() }
    for name in Self.names {
      say("\(size) entries: \(name), \(peer.name)")
      do { report.add(try nanoseconds(name, peer, size), name, peer.name, size) } catch let end
        as BrokenOff
      { throw end } catch {
        report.fail("\(size) entries, \(name), \(peer.name): \(plainly(error))", say)
      }
      keep(report)
    }
  }

  /// The median cost of an operation.
  private func nanoseconds(
    _ name: String, _ peer: any Peer.Type, _ size: Int
  ) throws -> Double {
    guard let workload = allWorkloads.first(where: { $0.name == name }) else { return .nan }
    var trial = Trial(
      stage: .measure, workload: name, peer: peer.name, pass: .none, scale: 1, records: size,
      directory: "")
    // The whole store is filled; overwriting a part of it shows the cost.
    if workload.start == .filled { trial.mostOperations = 1_000_000 }
    let rounds = workload.isWriting ? 1 : arguments.rounds
    return try (0..<rounds).map { _ in
      let result = try turn.take(trial, workload)
      return result.seconds * 1e9 / Double(result.operations)
    }.median
  }
}
