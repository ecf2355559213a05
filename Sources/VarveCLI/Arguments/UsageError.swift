/// The command line does not say something that can be done; the message says what and how.
struct UsageError: Error, Equatable {
  var message: String

  init(_ message: String) { self.message = message }
}

/// A command could not do its work: the message is for a person, on standard error.
struct CommandFailure: Error, Equatable {
  var message: String

  init(_ message: String) { self.message = message }
}

/// How a command ended, as the process says it.
enum ExitStatus: Int32 {
  case good = 0
  /// It worked and the answer is no: an absent key, damage found.
  case negative = 1
  /// The command line was wrong; nothing was done.
  case usage = 2
  /// It could not be done.
  case failed = 3
}
