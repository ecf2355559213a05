import Synchronization
import VarveFormat

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

  /// - Throws: `.limit` where no number is left that the format allows.
  func next() throws(StoreError) -> UInt64 {
    var number = nextNumber.load(ordering: .relaxed)
    while number < Limits.fileNumber {
      let (isTaken, found) = nextNumber.compareExchange(
        expected: number, desired: number + 1, ordering: .relaxed)
      if isTaken { return number }
      number = found
    }
    throw StoreError(.limit, "the store has used up all numbers of files")
  }
}
