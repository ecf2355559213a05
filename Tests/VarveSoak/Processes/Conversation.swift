import Foundation

/// Lines to and from whoever started this process. A line that was said stays said, however the process
/// ends: each is one write to a pipe.
enum Conversation {
  /// How a process of ours ends by itself.
  enum Ending: Int32 {
    case done = 0
    case violation = 1
    case usage = 2
    /// An error of the store that it may have here.
    case failure = 3
  }

  static func say(_ words: String) {
    FileHandle.standardOutput.write(Data("\(getpid()) \(words)\n".utf8))
  }

  /// Waits for the answer; false when nobody wants to go on.
  static func isToldToGoOn() -> Bool { readLine() == "go" }

  /// Says what went wrong, which must be an error that may happen here.
  static func ending(_ error: any Error) -> Ending {
    if let violation = Violation(error) {
      say("violation \(violation)")
      return .violation
    }
    say("failed \(error)")
    return .failure
  }
}
