import Foundation

/// Stores with every record, settled and closed, that workloads read or start from.
final class StoreShelf {
  typealias Store = (directory: String, result: TrialResult)
  private let workplace: Workplace
  private var stores: [String: Result<Store, PeerFailure>] = [:]

  init(_ workplace: Workplace) { self.workplace = workplace }

  /// The store that `trial` needs, made when it is asked for the first time. What failed once is not
  /// tried again by each line.
  func store(for trial: Trial) throws -> Store {
    let workload = try trial.found().workload
    let name = [
      trial.peer, trial.pass.rawValue, workload.data.rawValue, String(workload.fileCount ?? 0),
      String(trial.records ?? 0), String(trial.scale),
    ].joined(separator: "-")
    if let known = stores[name] { return try known.get() }
    do {
      let store = try make(trial)
      stores[name] = .success(store)
      return store
    } catch let end as BrokenOff { throw end } catch {
      let failure = PeerFailure(
        description: "the store to start from cannot be made: \(plainly(error))")
      stores[name] = .failure(failure)
      throw failure
    }
  }

  private func make(_ trial: Trial) throws -> Store {
    var filling = trial
    filling.stage = .prepare
    filling.group = nil
    filling.directory = try workplace.makeDirectory()
    do { return (filling.directory, try ChildProcess.run(filling)) } catch {
      workplace.remove(filling.directory)
      throw error
    }
  }

  func removeAll() {
    for case .success(let store) in stores.values { workplace.remove(store.directory) }
    stores = [:]
  }
}
