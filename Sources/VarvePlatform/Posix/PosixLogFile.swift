import CVarveShims
import VarveFormat

/// A log file: written into space that was allocated when it was made, so that a sync has no
/// allocation to record.
///
/// A record costs a call of the system; ``MappedLogFile`` spares that. This is the one that works
/// everywhere.
final class PosixLogFile: LogFile {
  let capacity: UInt64
  private let file: PosixFile

  init(_ file: PosixFile, capacity: UInt64) {
    self.file = file
    self.capacity = capacity
  }

  var name: String { file.name }

  var isReusable: Bool { false }

  func renamed(_ name: String) -> any LogFile {
    PosixLogFile(file.renamed(name), capacity: capacity)
  }

  func writeHeader(_ header: ByteView) throws(FileSystemError) { try file.write(header, at: 0) }

  func append(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    try file.write(bytes, at: offset)
  }

  func sync() throws(FileSystemError) { try file.sync() }

  func truncate(to size: UInt64) throws(FileSystemError) { try file.truncate(to: size) }

  func close() throws(FileSystemError) { try file.close() }
}
