import VarveFormat
import VarvePlatform

/// A file that is only read: it refuses everything else.
protocol ReadOnlyFile: File {}

extension ReadOnlyFile {
  func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) { throw refusal(.write) }

  func reserve(_ size: UInt64) throws(FileSystemError) { throw refusal(.reserve) }

  func truncate(to size: UInt64) throws(FileSystemError) { throw refusal(.truncate) }

  func sync() throws(FileSystemError) { throw refusal(.sync) }

  private func refusal(_ operation: FileSystemError.Operation) -> FileSystemError {
    FileSystemError(operation, .permission, path: name)
  }
}
