import VarveFormat
import VarvePlatform

/// A store's directory in which cold files are files like the others, only that they are read from the
/// bucket: nothing above needs to know.
///
/// ```
///   open, map, status ──> on disk? ──> that
///                           └── no: in the bucket? ──> a ColdFile; it cannot be mapped
/// ```
final class TieredDirectory: Directory {
  private let directory: any Directory
  let cold: ColdFiles

  init(_ directory: any Directory, _ cold: ColdFiles) {
    self.directory = directory
    self.cold = cold
  }

  /// Sets whom to ask for cold files, and what is kept of them on this machine.
  func connect(_ options: BucketOptions?, of storeID: FileID, isWriter: Bool) {
    guard let options else { return cold.connect(nil, keepsEnds: false) }
    guard options.diskCacheBytes >= SlotCache.leastBytes else {
      cold.connect(options.objects, keepsEnds: isWriter)
      // What an earlier opening kept. It takes room and harms nobody where it does not go.
      if isWriter { cold.gate.pass { try? directory.remove(FileName.slots) } }
      return
    }
    let kept = SlotCache(in: directory, of: storeID, budget: options.diskCacheBytes, cold.gate)
    cold.connect(options.objects, kept, keepsEnds: isWriter)
  }

  /// The file on disk; nil where there is none.
  func localStatus(of name: String) throws(FileSystemError) -> FileStatus? {
    try directory.status(of: name)
  }

  /// Removes the file on disk, where there is one: what has a place in the bucket is cold from here on.
  func removeLocal(_ name: String) throws(FileSystemError) {
    do throws(FileSystemError) { try directory.remove(name) } catch {
      guard error.reason == .notFound else { throw error }
    }
  }

  func status(of name: String) throws(FileSystemError) -> FileStatus? {
    if let status = try directory.status(of: name) { return status }
    return cold.place(of: name).map { FileStatus(size: $0.size, isRegularFile: true) }
  }

  func open(_ name: String) throws(FileSystemError) -> any File {
    do throws(FileSystemError) { return try directory.open(name) } catch {
      guard error.reason == .notFound, let place = cold.place(of: name) else { throw error }
      return ColdFile(place, cold, in: directory)
    }
  }

  func map(_ name: String, size: UInt64) throws(FileSystemError) -> MappedFile {
    do throws(FileSystemError) { return try directory.map(name, size: size) } catch {
      guard error.reason == .notFound, cold.place(of: name) != nil else { throw error }
      // Read it instead.
      throw FileSystemError(.map, .tooManyOpen, path: name)
    }
  }

  func remove(_ name: String) throws(FileSystemError) {
    guard cold.place(of: name) != nil else { return try directory.remove(name) }
    // Its copy in the bucket is the collector's.
    cold.forget(name)
    try? directory.remove(ColdEnds.name(of: name))
    try removeLocal(name)
  }
}

// MARK: - Passed on

extension TieredDirectory {
  var path: String { directory.path }

  var identity: FileIdentity { get throws(FileSystemError) { try directory.identity } }

  func names() throws(FileSystemError) -> [String] { try directory.names() }

  func create(_ name: String) throws(FileSystemError) -> any File { try directory.create(name) }

  func openForWriting(_ name: String) throws(FileSystemError) -> any File {
    try directory.openForWriting(name)
  }

  func createLog(_ name: String, capacity: UInt64) throws(FileSystemError) -> any LogFile {
    try directory.createLog(name, capacity: capacity)
  }

  func rename(_ name: String, to newName: String) throws(FileSystemError) {
    try directory.rename(name, to: newName)
  }

  func renameNew(_ name: String, to newName: String) throws(FileSystemError) {
    try directory.renameNew(name, to: newName)
  }

  func sync() throws(FileSystemError) { try directory.sync() }

  func lock(_ name: String, isShared: Bool) throws(FileSystemError) -> any FileLock {
    try directory.lock(name, isShared: isShared)
  }
}
