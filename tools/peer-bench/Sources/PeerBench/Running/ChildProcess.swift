import Foundation
import Synchronization

/// Runs trials in processes of their own.
enum ChildProcess {
  /// The slowest engine's longest line takes minutes: what takes longer than this hangs.
  private static let patienceSeconds = 3600.0

  static func run(_ trial: Trial) throws -> TrialResult {
    let ending = try start(trial)
    let reply = try? JSONDecoder().decode(TrialReply.self, from: ending.output)
    if let failure = reply?.failure { throw PeerFailure(description: failure) }
    guard let result = reply?.result, ending.signal == nil, ending.status == 0 else {
      throw PeerFailure(description: reason(ending))
    }
    return result
  }

  /// A trial that ends by killing itself.
  static func runUntilKilled(_ trial: Trial) throws {
    let ending = try start(trial)
    if ending.signal == SIGKILL, !ending.isLate { return }
    let reply = try? JSONDecoder().decode(TrialReply.self, from: ending.output)
    throw PeerFailure(description: reply?.failure ?? "its log was not made: \(reason(ending))")
  }

  private static func reason(_ ending: Ending) -> String {
    if ending.isLate { return "not done after \(Report.duration(patienceSeconds))" }
    switch ending.signal {
    case SIGKILL?: return "killed by the system: it took more memory than there is for it"
    case let signal?: return "its process was ended by signal \(signal)"
    case nil: return "its process ended with \(ending.status) and without a result"
    }
  }

  // MARK: - One process

  private struct Ending {
    var output: Data
    var status: Int32
    var signal: Int32?
    var isLate: Bool
  }

  private static func start(_ trial: Trial) throws -> Ending {
    let (process, output, life) = (Process(), Pipe(), Pipe())
    process.executableURL = Bundle.main.executableURL
    let words = String(decoding: try JSONEncoder().encode(trial), as: UTF8.self)
    process.arguments = ["trial", words]
    process.standardOutput = output
    process.standardInput = life
    try start(process)
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let isLate = try current.withLock { state in
      defer { if case .running = state { state = .none } }
      switch state {
      case .over: throw BrokenOff()
      case .running(_, let isLate): return isLate
      case .none: return false
      }
    }
    let isSignal = process.terminationReason == .uncaughtSignal
    return Ending(
      output: data, status: process.terminationStatus,
      signal: isSignal ? process.terminationStatus : nil, isLate: isLate)
  }

  private static func start(_ process: Process) throws {
    let child = try current.withLock { state in
      if case .over = state { throw BrokenOff() }
      try process.run()
      state = .running(process.processIdentifier, isLate: false)
      return process.processIdentifier
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + patienceSeconds) { giveUp(child) }
  }

  private static func giveUp(_ child: pid_t) {
    current.withLock { state in
      guard case .running(child, _) = state else { return }
      state = .running(child, isLate: true)
      kill(child, SIGKILL)
    }
  }

  /// Kills the child that runs, and lets none follow.
  static func endForGood() {
    current.withLock { state in
      if case .running(let child, _) = state { kill(child, SIGKILL) }
      state = .over
    }
  }

  private enum State {
    case none, over
    case running(pid_t, isLate: Bool)
  }

  private static let current = Mutex(State.none)
}

/// The run was broken off: nothing more is measured.
struct BrokenOff: Error {}
