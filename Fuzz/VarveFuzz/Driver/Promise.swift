import VarveFormat
import VarvePlatform

/// Tells of it where the code under test broke a promise: see ``BrokenPromises``.
@inline(__always)
func promise(_ holds: Bool, _ what: @autoclosure () -> String) {
  if !holds { BrokenPromises.tell(what()) }
}

/// Who is told that the code under test broke a promise.
enum BrokenPromises {
  /// Of the test that runs here: several targets are read at once.
  @TaskLocal private static var heard: Monitor<[String]>?

  /// Ends the process, which is how libFuzzer learns of it, unless somebody listens.
  @inline(__always)
  static func tell(_ what: String) {
    guard let heard else { fatalError("broken promise: \(what)") }
    heard.withLock { $0.append(what) }
  }

  /// The promises that `body` breaks; one that does runs on as it may.
  static func during(_ body: () -> Void) -> [String] {
    let list = Monitor<[String]>([])
    $heard.withValue(list) { body() }
    return list.withLock { $0 }
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
