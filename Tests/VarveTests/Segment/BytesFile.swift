import VarveFormat
import VarvePlatform

/// A file that is an array: for damaging segments byte by byte, and for measuring without a disk.
final class BytesFile: File {
  let name: String
  private let content: Monitor<[UInt8]>

  init(_ bytes: [UInt8] = [], name: String = "segment-0000000000000001") {
    self.name = name
    content = Monitor(bytes)
  }

  var bytes: [UInt8] { content.withLock { $0 } }

  /// Changes one byte of what is stored.
  func flip(byte offset: Int) { content.withLock { $0[offset] ^= 1 } }

  func size() throws(FileSystemError) -> UInt64 { UInt64(bytes.count) }

  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    content.withLock { bytes in
      bytes.withByteView { view in
        let part = view.dropping(Int(offset)).prefix(count)
        buffer.copy(part)
        return part.count
      }
    }
  }

  func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    content.withLock { content in
      precondition(offset == content.count, "segments are written from front to back")
      content += bytes.array
    }
  }

  func reserve(_ size: UInt64) throws(FileSystemError) {}

  func truncate(to size: UInt64) throws(FileSystemError) {}

  func dropCache() throws(FileSystemError) {}

  func sync() throws(FileSystemError) {}

  func close() throws(FileSystemError) {}

  /// A mapping of what the file holds now, at an address aligned as pages are.
  func map(
    advise: @escaping @Sendable (MappedFile.Expectation) -> Void = { _ in }
  ) -> MappedFile {
    let bytes = bytes
    let buffer = AlignedBuffer(capacity: bytes.count)
    bytes.withByteView { buffer.copy($0) }
    return MappedFile(name: name, bytes: buffer.view(), advise: advise) {
      withExtendedLifetime(buffer) {}
    }
  }
}
