extension Unmanaged {
  /// Lends the object to `body` without counting a reference: something else keeps it until `body`
  /// returns. The standard library's call for this throws untyped errors.
  @inline(__always)
  func lend<Result, Failure: Error>(
    _ body: (Instance) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var failure: Failure?
    let result: Result? = unsafe _withUnsafeGuaranteedRef { object -> Result? in
      do throws(Failure) { return try body(object) } catch {
        failure = error
        return nil
      }
    }
    if let result { return result }
    // One of both is always there.
    throw unsafe failure.unsafelyUnwrapped
  }
}
