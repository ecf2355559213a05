package import VarveFormat

/// A file that is only read: it refuses everything else.
package protocol ReadOnlyFile: File {}

extension ReadOnlyFile {
  package func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    throw refusal(.write)
  }

  package func reserve(_ size: UInt64) throws(FileSystemError) { throw refusal(.reserve) }

  package func truncate(to size: UInt64) throws(FileSystemError) { throw refusal(.truncate) }

  package func sync() throws(FileSystemError) { throw refusal(.sync) }

  private func refusal(_ operation: FileSystemError.Operation) -> FileSystemError {
    FileSystemError(operation, .permission, path: name)
  }
}
