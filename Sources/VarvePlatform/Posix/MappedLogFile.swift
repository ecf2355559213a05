import CVarveShims
import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A log file that is appended to by storing into a mapping of it.
///
/// ```
///   0            end of the log        populated                         capacity
///   |############|.....................|---------------------------------|
///                 stores go here        made present before the first store
/// ```
///
/// The whole file was written once before, in small pieces: so a store finds its block allocated and
/// its page in memory, and a sync writes no more than what was stored. Stores survive the end of the
/// process as writes do; the sync of the file makes them durable.
///
/// A header is written, not stored: its page may have gone while the file waited for another life. What
/// is left is a disk that fails while the log waits between two records, which is the same for every
/// mapped file.
@safe
final class MappedLogFile: LogFile, @unchecked Sendable {
  // @unchecked: `populated` belongs to the one thread at a time that appends.

  let capacity: UInt64
  private let file: PosixFile
  private let mapping: StoredMapping
  private var populated = 0

  /// How much is made present at a time: not more, since all of it is written by the next sync.
  private static let populatedBytes = 64 << 10
  /// Larger pieces make large pages in the system's cache, of which a sync writes all for one record.
  private static let pieceBytes = 16 << 10

  private init(_ file: PosixFile, _ mapping: StoredMapping) {
    self.file = file
    self.mapping = mapping
    capacity = UInt64(mapping.count)
  }

  var name: String { file.name }

  var isWarm: Bool { true }

  func warmedUp(from offset: UInt64) throws(FileSystemError) -> any LogFile { self }

  func renamed(_ name: String) -> any LogFile {
    MappedLogFile(file.renamed(name), mapping)
  }

  func writeHeader(_ header: ByteView) throws(FileSystemError) { try file.write(header, at: 0) }

  func append(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    guard let start = Int(exactly: offset), start <= mapping.count,
      bytes.count <= mapping.count &- start
    else { throw FileSystemError(.write, .other, path: name, number: EFBIG) }
    try file.use(.write) { _ throws(FileSystemError) in
      let end = start &+ bytes.count
      if end > populated { try populate(from: start, to: end) }
      mapping.store(bytes, at: start)
    }
  }

  private func populate(from start: Int, to end: Int) throws(FileSystemError) {
    let first = start & ~(Self.populatedBytes &- 1)
    let last = min(
      (end &+ Self.populatedBytes &- 1) & ~(Self.populatedBytes &- 1), mapping.count)
    _ = try systemCall(.write, name) { mapping.populate(from: first, to: last) }
    populated = last
  }

  func sync() throws(FileSystemError) { try file.sync() }

  func truncate(to size: UInt64) throws(FileSystemError) { try file.truncate(to: size) }

  func close() throws(FileSystemError) { try file.close() }
}

// MARK: - Warming up

extension MappedLogFile {
  /// The file written from `offset` to its end and mapped; nil where that brings nothing or cannot be.
  static func warm(
    _ file: PosixFile, capacity: UInt64, from offset: UInt64
  ) throws(FileSystemError) -> MappedLogFile? {
    guard let count = Int(exactly: capacity), let offset = Int(exactly: offset), count > offset
    else { return nil }
    let mapping = try file.use(.map) { StoredMapping(of: $0, 0..<count) }
    // An old kernel says so at once.
    guard let mapping, mapping.populate(from: 0, to: min(count, populatedBytes)) == 0 else {
      return nil
    }
    let zeros = [UInt8](repeating: 0, count: pieceBytes)
    var start = offset
    while start < count {
      // From one multiple of a piece to the next, whatever the beginning.
      let end = min(count, (start / pieceBytes + 1) * pieceBytes)
      try zeros.withByteView { zeros throws(FileSystemError) in
        try file.write(zeros.prefix(end - start), at: UInt64(start))
      }
      start = end
    }
    return MappedLogFile(file, mapping)
  }
}
