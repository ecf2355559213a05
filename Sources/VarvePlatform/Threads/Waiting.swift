import CVarveShims

/// Whether the calling thread may wait for other machines. One of Swift's cooperative pool may not: while it waits
/// no other task runs on it.
package enum Waiting {
  /// False inside of ``refused(_:)``.
  package static var isAllowed: Bool { varve_thread_waits_not() == 0 }

  /// Calls `body`, in which whatever would have to wait is to throw instead.
  package static func refused<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = varve_thread_set_may_not_wait(1)
    defer { _ = varve_thread_set_may_not_wait(before) }
    return try body()
  }
}
