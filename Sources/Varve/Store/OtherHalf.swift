import VarvePlatform

/// Half of a piece of work that another thread does, while the caller does its own.
///
/// Whoever begins one finishes it: the work may use what the caller keeps.
final class OtherHalf<Value>: @unchecked Sendable {
  // @unchecked: the thread works alone on it until it has been joined.
  private let body: () throws(StoreError) -> Value
  private var result: Result<Value, StoreError>?
  private var thread: WorkerThread?

  private init(_ body: @escaping () throws(StoreError) -> Value) {
    self.body = body
  }

  /// Nil where the system starts no further thread.
  static func begin(
    _ name: String, _ body: @escaping () throws(StoreError) -> Value
  ) -> OtherHalf? {
    let half = OtherHalf(body)
    half.thread = try? WorkerThread(name: name) { [unowned half] in
      half.result = Result { () throws(StoreError) in try half.body() }
    }
    return half.thread == nil ? nil : half
  }

  /// What came of it, once the thread is done.
  func finish() -> Result<Value, StoreError> {
    thread?.join()
    guard let result else { preconditionFailure("the thread ended without a result") }
    return result
  }
}
