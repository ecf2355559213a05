import Varve

/// A promise that was broken.
struct Violation: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// What was thrown where damage is never expected, and all errors are the store's; nil for an error
  /// that may be.
  init?(_ error: any Error) {
    switch error {
    case let violation as Violation: self = violation
    case let error as StoreError where error.code == .corrupted: self.init("\(error)")
    case is StoreError: return nil
    default: self.init("not an error of the store: \(error)")
    }
  }
}
