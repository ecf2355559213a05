import Foundation
import Synchronization

/// Runs trials in processes of their own.
enum ChildProcess {
  static func run(_ trial: Trial) throws -> TrialResult {
    let (output, process) = try start(trial)
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      let isKilled =
        process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL
      let reason = isKilled ? "killed, out of memory" : "ended by \(process.terminationStatus)"
      throw PeerFailure(
        description: "\(trial.workload), \(trial.peer): \(reason)", isOutOfMemory: isKilled)
    }
    return try JSONDecoder().decode(TrialResult.self, from: output)
  }

  /// A trial that ends by killing itself.
  static func runUntilKilled(_ trial: Trial) throws {
    let (_, process) = try start(trial)
    let wasKilled =
      process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL
    guard wasKilled else {
      throw PeerFailure(description: "\(trial.workload), \(trial.peer): was not killed")
    }
  }

  private static func start(_ trial: Trial) throws -> (Data, Process) {
    let (process, output) = (Process(), Pipe())
    process.executableURL = Bundle.main.executableURL
    let words = String(decoding: try JSONEncoder().encode(trial), as: UTF8.self)
    process.arguments = ["trial", words]
    process.standardOutput = output
    try start(process)
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try current.withLock { state in
      if case .over = state { throw brokenOff }
      state = .none
    }
    return (data, process)
  }

  private static func start(_ process: Process) throws {
    try current.withLock { state in
      if case .over = state { throw brokenOff }
      try process.run()
      state = .running(process.processIdentifier)
    }
  }

  /// Kills the child that runs, and lets none follow.
  static func endForGood() {
    current.withLock { state in
      if case .running(let child) = state { kill(child, SIGKILL) }
      state = .over
    }
  }

  private static let brokenOff = PeerFailure(description: "the run was broken off")

  private enum State { case none, running(pid_t), over }

  private static let current = Mutex(State.none)
}
