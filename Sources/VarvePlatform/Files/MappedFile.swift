package import VarveFormat

/// A whole file in memory for reading, unmapped when dropped.
///
/// Mapped files are immutable, complete and synced. An I/O error of the device under a mapping
/// ends the process (SIGBUS): the price of reading without copying, stated in the README.
@safe
package final class MappedFile: @unchecked Sendable {
  // @unchecked: the bytes are read-only and live as long as this object.
  package let name: String
  /// The whole file. Valid while this object is held, and Swift lets go of an object after its last
  /// use: keep it in something that outlives the view, or use ``withBytes(_:)``.
  package let bytes: ByteView
  private let advise: @Sendable (Expectation) -> Void
  private let release: @Sendable () -> Void

  /// How a mapping will be read. The system's own guess is that what lies around a touched page is
  /// wanted too: up to megabytes, which is ruinous for reads here and there in a file that is larger
  /// than memory.
  package enum Expectation: Sendable {
    /// Here and there: nothing is read but what is touched.
    case scattered
    /// These bytes soon: reading them begins now.
    case soon(Range<UInt64>)
  }

  /// Takes over `bytes`; `release` gives them back when the mapping is dropped.
  ///
  /// - Parameter advise: tells the system what is expected.
  package init(
    name: String, bytes: ByteView, advise: @escaping @Sendable (Expectation) -> Void = { _ in },
    release: @escaping @Sendable () -> Void
  ) {
    self.name = name
    self.bytes = bytes
    self.advise = advise
    self.release = release
  }

  /// Says how the file will be read; advice, which changes nothing but time.
  package func expect(_ expectation: Expectation) {
    if case .soon(let range) = expectation {
      let part = range.clamped(to: 0..<UInt64(bytes.count))
      if !part.isEmpty { advise(.soon(part)) }
    } else if !bytes.isEmpty {
      advise(expectation)
    }
  }

  /// Says that these bytes are about to be read from end to end: all at once instead of page after page.
  /// Nothing is said of what takes no more than a page.
  package func expectWhole(_ range: Range<UInt64>) {
    if range.upperBound - range.lowerBound > Self.pageBytes { expect(.soon(range)) }
  }

  /// Pages have at least so many bytes.
  private static let pageBytes: UInt64 = 4 << 10

  deinit { release() }

  /// Lends the whole file, mapped until `body` returns.
  package func withBytes<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }
}
