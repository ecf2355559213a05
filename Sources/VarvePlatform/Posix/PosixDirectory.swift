import CVarveShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An open directory: a descriptor that every name is looked up from.
///
/// It keeps meaning the same directory when someone renames it or one above it.
final class PosixDirectory: Directory {
  let path: String
  private let descriptor: Descriptor
  private let storesIntoLogs: Bool

  init(path: String, descriptor: Descriptor, storesIntoLogs: Bool) {
    self.path = path
    self.descriptor = descriptor
    self.storesIntoLogs = storesIntoLogs
  }

  var identity: FileIdentity {
    get throws(FileSystemError) { try descriptor.status(.status, path).identity }
  }

  func rename(_ name: String, to newName: String) throws(FileSystemError) {
    try checkEntryName(newName, for: .rename)
    try call(.rename, name) { unsafe renameat($0, name, $0, newName) }
  }

  func renameNew(_ name: String, to newName: String) throws(FileSystemError) {
    try checkEntryName(newName, for: .rename)
    // Works on network mounts too, where renameat2 does not. With both names the file is whole.
    try call(.rename, name) { unsafe linkat($0, name, $0, newName, 0) }
    try remove(name)
  }

  func remove(_ name: String) throws(FileSystemError) {
    try call(.remove, name) { unsafe unlinkat($0, name, 0) }
  }

  func sync() throws(FileSystemError) {
    try descriptor.use(.syncDirectory, path) { descriptor throws(FileSystemError) in
      _ = try systemCall(.syncDirectory, path) { varve_sync_all(descriptor) }
    }
  }

  func status(of name: String) throws(FileSystemError) -> FileStatus? {
    var status = stat()
    do {
      try call(.status, name) { unsafe fstatat($0, name, &status, AT_SYMLINK_NOFOLLOW) }
    } catch  where error.reason == .notFound {
      return nil
    }
    return FileStatus(
      size: status.size, isRegularFile: status.isRegularFile, modified: status.modified)
  }

  /// Makes a call on the entry `name`, relative to this directory.
  @discardableResult
  private func call(
    _ operation: FileSystemError.Operation, _ name: String, _ body: (Int32) -> Int32
  ) throws(FileSystemError) -> Int32 {
    try checkEntryName(name, for: operation)
    return try descriptor.use(operation, name) { directory throws(FileSystemError) in
      try systemCall(operation, name) { body(directory) }
    }
  }
}

// MARK: - Opening

extension PosixDirectory {
  func create(_ name: String) throws(FileSystemError) -> any File { try make(name) }

  private func make(_ name: String) throws(FileSystemError) -> PosixFile {
    let file = try openEntry(.create, name, flags: O_RDWR | O_CREAT | O_EXCL)
    return PosixFile(name, file, isWritable: true)
  }

  func open(_ name: String) throws(FileSystemError) -> any File {
    PosixFile(name, try openRegular(.open, name, flags: O_RDONLY), isWritable: false)
  }

  func openForWriting(_ name: String) throws(FileSystemError) -> any File {
    PosixFile(name, try openRegular(.open, name, flags: O_RDWR), isWritable: true)
  }

  func createLog(_ name: String, capacity: UInt64) throws(FileSystemError) -> any LogFile {
    let file = try make(name)
    do {
      try file.allocate(capacity, keepingSize: false)
      if storesIntoLogs, let log = try MappedLogFile(file, capacity: capacity) { return log }
    } catch {
      // Give the space back. What is thrown is why it failed; a leftover file is harmless, since
      // its number is never used again.
      try? remove(name)
      throw error
    }
    return PosixLogFile(file, capacity: capacity)
  }

  func lock(_ name: String, isShared: Bool) throws(FileSystemError) -> any FileLock {
    let flags = isShared ? O_RDONLY : O_RDWR | O_CREAT
    return try PosixFileLock(name, try openRegular(.lock, name, flags: flags), isShared: isShared)
  }

  /// Opens an entry that must be a regular file. Not blocking: opening a pipe would wait for its
  /// other end before we could see what it is.
  func openRegular(
    _ operation: FileSystemError.Operation, _ name: String, flags: Int32
  ) throws(FileSystemError) -> Descriptor {
    let file = try openEntry(operation, name, flags: flags | O_NONBLOCK)
    guard try file.status(operation, name).isRegularFile else {
      throw FileSystemError(operation, .wrongKind, path: name)
    }
    return file
  }

  private func openEntry(
    _ operation: FileSystemError.Operation, _ name: String, flags: Int32
  ) throws(FileSystemError) -> Descriptor {
    let all = flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY
    return Descriptor(
      owning: try call(operation, name) { unsafe openat($0, name, all, 0o600) })
  }
}

// MARK: - Listing

extension PosixDirectory {
  func names() throws(FileSystemError) -> [String] {
    // Listing moves a descriptor's position, so each listing opens its own.
    let own = try descriptor.use(.list, path) { directory throws(FileSystemError) in
      try systemCall(.list, path) {
        unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      }
    }
    guard let stream = unsafe fdopendir(own) else {
      let number = errno
      _ = Descriptor(owning: own)
      throw FileSystemError(.list, number: number, path: path)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else { break }
      let name = unsafe String(cString: varve_entry_name(entry))
      if name != ".", name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw FileSystemError(.list, number: errno, path: path) }
    return names
  }
}
