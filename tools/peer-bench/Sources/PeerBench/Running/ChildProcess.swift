import Foundation

/// Runs trials in processes of their own.
enum ChildProcess {
  static func run(_ trial: Trial) throws -> TrialResult {
    let (output, process) = try start(trial)
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      throw PeerFailure(
        description: "\(trial.workload), \(trial.peer): ended by \(process.terminationStatus)")
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
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let words = String(decoding: try JSONEncoder().encode(trial), as: UTF8.self)
    process.arguments = ["trial", words]
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (data, process)
  }
}
