package import VarvePlatform

/// A call that goes wrong: which one, how often, and how.
///
/// ```swift
/// disk.inject(Fault(.sync, "log-", occurrence: 3))                       // the third sync of a log
/// disk.inject(Fault(.write, effect: .partial(100, .full), lasts: .forGood))
/// disk.inject(Fault(occurrence: 17))                                     // whatever comes 17th
/// ```
package struct Fault: Sendable {
  package enum Effect: Sendable {
    /// Nothing happens but the error. A failed sync loses a part of what was pending.
    case error(FileSystemError.Reason)
    /// A write stops after so many bytes, with this error.
    case partial(Int, FileSystemError.Reason)
    /// A read returns at most so many bytes and says no more, as at the end of a file cut short.
    case short(Int)
  }

  package enum Duration: Sendable {
    case once
    case forGood
  }

  /// Nil matches every operation.
  package var operation: FileSystemError.Operation?
  /// The beginning of the file's name; the last part of the path where a directory is meant.
  package var namePrefix: String
  /// Which matching call is hit, counted from 1 since the fault was injected.
  package var occurrence: Int
  package var effect: Effect
  package var duration: Duration

  package init(
    _ operation: FileSystemError.Operation? = nil, _ namePrefix: String = "", occurrence: Int = 1,
    effect: Effect = .error(.device), lasts duration: Duration = .once
  ) {
    self.operation = operation
    self.namePrefix = namePrefix
    self.occurrence = occurrence
    self.effect = effect
    self.duration = duration
  }

  /// Whether this call is hit; counts it where it matches.
  mutating func strikes(_ operation: FileSystemError.Operation, _ name: String) -> Bool {
    guard self.operation == nil || self.operation == operation, name.hasPrefix(namePrefix) else {
      return false
    }
    occurrence -= 1
    return occurrence == 0 || (occurrence < 0 && duration == .forGood)
  }
}

/// A call that was made to go wrong.
package struct StruckCall: Hashable, Sendable, CustomStringConvertible {
  package var operation: FileSystemError.Operation
  /// The name of the file, or the last part of the directory's path.
  package var name: String

  package var description: String { "\(operation.rawValue) \(name)" }
}
