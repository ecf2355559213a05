import VarveFormat
import VarvePlatform

/// A file that is bytes in memory, to be read only.
final class MemoryFile: ReadOnlyFile {
  let name: String
  private let bytes: ByteView

  /// The bytes must outlive the file.
  init(_ bytes: ByteView, name: String) {
    self.bytes = bytes
    self.name = name
  }

  /// The same bytes as a mapping.
  var mapped: MappedFile { MappedFile(name: name, bytes: bytes, release: {}) }

  func size() throws(FileSystemError) -> UInt64 { UInt64(bytes.count) }

  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    let part = bytes.dropping(Int(clamping: offset)).prefix(count)
    buffer.copy(part)
    return part.count
  }

  func dropCache() throws(FileSystemError) {}

  func close() throws(FileSystemError) {}
}
