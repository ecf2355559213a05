import Foundation

/// Stores with every record, settled and closed, that workloads read or start from.
final class StoreShelf {
  private let workplace: Workplace
  private var stores: [String: (directory: String, result: TrialResult)] = [:]

  init(_ workplace: Workplace) { self.workplace = workplace }

  /// The store that `trial` needs, made when it is asked for the first time.
  func store(for trial: Trial) throws -> (directory: String, result: TrialResult) {
    let workload = try trial.found().workload
    let name = [
      trial.peer, trial.pass.rawValue, workload.data.rawValue, String(workload.fileCount ?? 0),
      String(trial.records ?? 0), String(trial.scale),
    ].joined(separator: "-")
    if let known = stores[name] { return known }
    var filling = trial
    filling.stage = .prepare
    filling.group = nil
    filling.directory = try workplace.makeDirectory()
    let made = (filling.directory, try ChildProcess.run(filling))
    stores[name] = made
    return made
  }

  func removeAll() {
    for store in stores.values { workplace.remove(store.directory) }
    stores = [:]
  }
}
