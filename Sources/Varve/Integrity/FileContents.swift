package import VarveFormat
package import VarvePlatform

/// All bytes of a file, for an examination.
///
/// Read rather than mapped up to 256 MiB: where the device cannot read its own sectors, that is an
/// error to report and not the end of the process. Larger files are mapped.
package struct FileContents: ~Copyable {
  private enum Storage {
    case buffer(AlignedBuffer, count: Int)
    case mapping(MappedFile, writtenCount: Int)
  }

  package static let readLimit: UInt64 = 256 << 20

  private let storage: Storage

  /// - Parameter mayBeCut: whether somebody may write to the store, and cut the file while it is read:
  ///   then what is there is examined. Otherwise a read that returns less than there is throws.
  package init(
    of name: String, in directory: any Directory, readLimit: UInt64 = readLimit,
    mayBeCut: Bool = true
  ) throws(FileSystemError) {
    let file = try directory.open(name)
    let size = try file.size()
    if size > readLimit, let mapping = try Self.map(name, size, in: directory) {
      storage = .mapping(mapping, writtenCount: Int(clamping: try file.dataEnd()))
      return
    }
    let count = Int(size)
    let buffer = AlignedBuffer(capacity: count)
    let found =
      mayBeCut
      ? try file.read(into: buffer, count: count, at: 0)
      : try file.readWhole(into: buffer, count: count)
    storage = .buffer(buffer, count: found)
  }

  /// Nil where the system has no room for one more mapping and the file can be read.
  private static func map(
    _ name: String, _ size: UInt64, in directory: any Directory
  ) throws(FileSystemError) -> MappedFile? {
    size > Self.readLimit
      ? try directory.map(name, size: size) : try directory.mapped(name, size: size)
  }

  /// The bytes, for as long as the contents live.
  package var bytes: ByteView {
    switch storage {
    case .buffer(let buffer, let count): buffer.view(count: count)
    case .mapping(let mapping, _): mapping.bytes
    }
  }

  /// Bytes of memory that were read into; none for a mapped file.
  package var readBytes: UInt64 {
    if case .buffer(_, let count) = storage { UInt64(count) } else { 0 }
  }

  /// Bytes behind which there is nothing but zeros: a file that is large may be one for its holes.
  package var writtenCount: Int {
    switch storage {
    case .buffer(_, let count): count
    case .mapping(_, let writtenCount): writtenCount
    }
  }

  /// Lends the bytes to `body`.
  package borrowing func withBytes<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes)
  }
}

extension File {
  /// All of a file that nobody writes to; throws where it has more than `most` bytes, before they are read.
  func whole(most: UInt64) throws(FileSystemError) -> [UInt8] {
    let size = try size()
    guard size <= most else {
      throw FileSystemError(.read, .size(expected: most, found: size), path: name)
    }
    let buffer = AlignedBuffer(capacity: Int(size))
    return buffer.view(count: try readWhole(into: buffer, count: Int(size))).array
  }

  /// Reads all of a file of `count` bytes that nobody writes to; throws where the system returns less.
  ///
  /// What is missing would look like the end of a log that a crash tore. It is damage only where it is gone.
  func readWhole(into buffer: AlignedBuffer, count: Int) throws(FileSystemError) -> Int {
    let found = try read(into: buffer, count: count, at: 0)
    guard found < count else { return found }
    let size = try size()
    throw FileSystemError(
      .read, size < count ? .size(expected: UInt64(count), found: size) : .short, path: name)
  }
}
