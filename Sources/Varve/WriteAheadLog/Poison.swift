import Synchronization
import VarvePlatform

/// The mark that a store must not be written to any more, and why.
///
/// Set once, by a failed append or sync of the log, a failed sync of a value file or of the
/// directory, or a failed step of a manifest: from then on it is unknown what is durable. Nothing is
/// deleted, reads go on, reopening recovers. A failed sync is never tried again: the system has
/// marked its pages clean, and a second one would lie.
final class Poison: Sendable {
  private let first = Monitor<StoreError?>(nil)
  /// Whether `first` is there: asked before each commit.
  private let isSet = Atomic(false)

  init() {}

  /// What every write is refused with; nil while the store is well.
  var failure: StoreError? {
    guard isSet.load(ordering: .acquiring) else { return nil }
    return first.withLock { $0 }
  }

  /// Refuses every write from now on; the first cause stays.
  @discardableResult
  func set(because cause: StoreError) -> StoreError {
    first.withLock { first in
      let error =
        first
        ?? StoreError(
          .poisoned, "writing stopped after a failure that may have lost data: \(cause.message)",
          file: cause.file)
      first = error
      isSet.store(true, ordering: .releasing)
      return error
    }
  }
}
