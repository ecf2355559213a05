import Foundation

extension Record {
  init(path: String) throws {
    let bytes: Data
    do { bytes = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw PeerFailure(description: "\(path) cannot be read")
    }
    do { self = try JSONDecoder().decode(Record.self, from: bytes) } catch {
      throw PeerFailure(description: "\(path) is no record of lines that peer-bench has written")
    }
  }

  /// Puts all of `others` into one, their rounds behind each other.
  init(together others: [(path: String, record: Record)]) throws {
    guard let first = others.first?.record else {
      throw PeerFailure(description: "there is no record to report")
    }
    self = first
    for (path, other) in others.dropFirst() {
      guard other.engines.first == engines.first else {
        throw PeerFailure(
          description: "\(path) compares \(other.engines.first ?? "nothing") with the rest, "
            + "not \(engines.first ?? "nothing") as the file before does")
      }
      add(other)
    }
    try checkScales()
  }

  private mutating func add(_ other: Record) {
    let rounds = 1 + ((runs.map(\.moment.round) + failures.map(\.moment.round)).max() ?? -1)
    engines += other.engines.filter { !engines.contains($0) }
    machine.add(other.machine)
    seconds += other.seconds
    isWhole = isWhole && other.isWhole
    runs += other.runs.map { run in
      var run = run
      run.moment.round += rounds
      return run
    }
    failures += other.failures.map { failure in
      var failure = failure
      failure.moment.round += rounds
      return failure
    }
  }

  /// Figures of one line only mean something together where all were taken on as much data.
  private func checkScales() throws {
    var scales: [String: Double] = [:]
    for run in runs {
      let known = scales.updateValue(run.scale, forKey: run.workload)
      guard known == nil || known == run.scale else {
        throw PeerFailure(
          description: "\(run.workload) was measured at two scales: report those files one by one")
      }
    }
  }
}
