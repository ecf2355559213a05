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
  private let release: @Sendable () -> Void

  /// Takes over `bytes`; `release` gives them back when the mapping is dropped.
  package init(name: String, bytes: ByteView, release: @escaping @Sendable () -> Void) {
    self.name = name
    self.bytes = bytes
    self.release = release
  }

  deinit { release() }

  /// Lends the whole file, mapped until `body` returns.
  package func withBytes<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }
}
