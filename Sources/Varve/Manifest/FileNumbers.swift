import Synchronization

/// Hands out the numbers of logs, segments and value files, each once.
///
/// A number is never used again, not even when the file could not be made or was removed: a name
/// found on disk always means the same file.
final class FileNumbers: Sendable {
  private let nextNumber: Atomic<UInt64>

  /// - Parameter next: above every number of a file in the directory and in the manifest.
  init(next: UInt64) { nextNumber = Atomic(next) }

  /// The number a file made now would get.
  var upcoming: UInt64 { nextNumber.load(ordering: .relaxed) }

  func next() -> UInt64 { nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue }
}
