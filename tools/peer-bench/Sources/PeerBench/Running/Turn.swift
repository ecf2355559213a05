import Foundation

/// One engine's turn at one workload: what it starts from is put in place, a process is started, and
/// all goes again.
struct Turn {
  let workplace: Workplace
  let shelf: StoreShelf

  func take(_ trial: Trial, _ workload: Workload) throws -> TrialResult {
    if case .rest = workload.action { return try shelf.store(for: trial).result }
    var trial = trial
    trial.directory = try directory(trial, workload)
    defer { if workload.start != .shared { workplace.remove(trial.directory) } }
    if case .replay = workload.action {
      var crashing = trial
      crashing.stage = .crash
      try ChildProcess.runUntilKilled(crashing)
    }
    if workload.takesMemory { FreshMemory.makePresent(for: workload, scale: trial.scale) }
    return try workload.isLimited ? runLimited(trial, workload) : ChildProcess.run(trial)
  }

  private func directory(_ trial: Trial, _ workload: Workload) throws -> String {
    switch workload.start {
    case .empty: return try workplace.makeDirectory()
    case .shared: return try shelf.store(for: trial).directory
    case .filled:
      let copy = try workplace.copy(shelf.store(for: trial).directory)
      // What the disk still owes is not the next one's to pay.
      sync()
      return copy
    }
  }

  /// What the process itself needs, beside the benchmark's operations, is not the engine's.
  private static let ownBytes = 24 << 20

  private func runLimited(_ trial: Trial, _ workload: Workload) throws -> TrialResult {
    // What is in memory already was charged to whoever brought it there.
    DiskUse.dropFromMemory(trial.directory)
    let data = try trial.dataset(workload)
    let bytes = Trial.limitBytes(data) + Self.ownBytes + trial.operationBytes(workload, data)
    let limit = MemoryLimit(bytes: bytes)
    var trial = trial
    trial.group = limit?.path
    return try withExtendedLifetime(limit) { try ChildProcess.run(trial) }
  }
}
