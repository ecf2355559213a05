import VarveFormat

/// Ends the process, which is how libFuzzer learns of it, where the code under test broke a promise.
@inline(__always)
func promise(_ holds: Bool, _ what: @autoclosure () -> String) {
  if !holds { fatalError("broken promise: \(what())") }
}

/// What `body` makes of `bytes`; nil where it refuses them, as it must: the offset of its error lies
/// within what it was given, or at its end.
func accepted<Result>(
  _ bytes: ByteView, at base: UInt64 = 0, _ body: () throws(FormatError) -> Result
) -> Result? {
  do throws(FormatError) { return try body() } catch {
    checkRefusal(error, of: base..<base + UInt64(bytes.count))
    return nil
  }
}

/// - Parameter extent: where the bytes stand that were refused.
func checkRefusal(_ error: FormatError, of extent: Range<UInt64>) {
  // A pointer is refused at the place that it points to.
  guard error.structure != .valuePointer else { return }
  promise(
    extent.contains(error.offset) || error.offset == extent.upperBound,
    "\(error) is outside of \(extent)")
}
