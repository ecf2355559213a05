import VarveFormat
import VarvePlatform

/// Tells of it where the code under test broke a promise: see ``BrokenPromises``.
@inline(__always)
func promise(_ holds: Bool, _ what: @autoclosure () -> String) {
  if !holds { BrokenPromises.tell(what()) }
}

/// Who is told that the code under test broke a promise.
enum BrokenPromises {
  private static let heard = Monitor<[String]?>(nil)

  /// Ends the process, which is how libFuzzer learns of it, unless somebody listens.
  @inline(__always)
  static func tell(_ what: String) {
    let isHeard = heard.withLock { heard in
      heard?.append(what)
      return heard != nil
    }
    if !isHeard { fatalError("broken promise: \(what)") }
  }

  /// The promises that `body` breaks; one that does runs on as it may.
  static func during(_ body: () -> Void) -> [String] {
    heard.withLock { $0 = [] }
    body()
    return heard.withLock { heard in
      defer { heard = nil }
      return heard ?? []
    }
  }
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
