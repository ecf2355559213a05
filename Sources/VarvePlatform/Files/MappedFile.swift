package import VarveFormat

/// A whole file in memory for reading, unmapped when dropped.
///
/// Mapped files are immutable, complete and synced. An I/O error of the device under a mapping
/// ends the process (SIGBUS): the price of reading without copying, stated in the README.
@safe
package final class MappedFile: @unchecked Sendable {
  // @unchecked: the bytes are read-only and live as long as this object.
  package let name: String
  package let bytes: ByteView
  private let release: @Sendable () -> Void

  /// Takes over `bytes`; `release` gives them back when the mapping is dropped.
  package init(name: String, bytes: ByteView, release: @escaping @Sendable () -> Void) {
    self.name = name
    self.bytes = bytes
    self.release = release
  }

  deinit { release() }
}
