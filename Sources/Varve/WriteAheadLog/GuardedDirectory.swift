import Synchronization
import VarveFormat
import VarvePlatform

/// The store's directory, whose entries are everybody's: when a sync of it fails, for whatever file,
/// the names of all new files may be lost with it, and the next sync would not say so.
///
/// ```
///   log, value file, manifest ──> sync ──> one at a time; the first that fails poisons
///                                             └──> all later ones are refused
/// ```
///
/// So nothing that was under way elsewhere can go on to a manifest that names a lost file.
///
/// Names that another process left may not be durable yet: it may have died between a rename and the
/// sync behind it. A power cut can lose such a name and keep changes made after it, so they are synced
/// before the first change of a name here.
final class GuardedDirectory: Directory {
  private let directory: any Directory
  private let poison: Poison
  /// Held from a sync to the mark its failure leaves, so that no other comes between.
  private let syncing = Monitor(())
  private let isInherited = Atomic(false)

  init(_ directory: any Directory, poison: Poison) {
    self.directory = directory
    self.poison = poison
  }

  /// From here on the names that are there count, and another process may have made them.
  func inherit() { isInherited.store(true, ordering: .releasing) }

  private func settle() throws(FileSystemError) {
    guard isInherited.load(ordering: .acquiring) else { return }
    try sync()
    isInherited.store(false, ordering: .releasing)
  }

  func sync() throws(FileSystemError) {
    try syncing.withLock { _ throws(FileSystemError) in
      guard poison.failure == nil else {
        throw FileSystemError(.syncDirectory, .device, path: path)
      }
      do throws(FileSystemError) { try directory.sync() } catch {
        poison.set(because: StoreError(error))
        throw error
      }
    }
  }
}

// MARK: - Passed on

extension GuardedDirectory {
  var path: String { directory.path }

  var identity: FileIdentity { get throws(FileSystemError) { try directory.identity } }

  func names() throws(FileSystemError) -> [String] { try directory.names() }

  func status(of name: String) throws(FileSystemError) -> FileStatus? {
    try directory.status(of: name)
  }

  func create(_ name: String) throws(FileSystemError) -> any File {
    try settle()
    return try directory.create(name)
  }

  func open(_ name: String) throws(FileSystemError) -> any File { try directory.open(name) }

  func openForWriting(_ name: String) throws(FileSystemError) -> any File {
    try directory.openForWriting(name)
  }

  func createLog(_ name: String, capacity: UInt64) throws(FileSystemError) -> any LogFile {
    try settle()
    return try directory.createLog(name, capacity: capacity)
  }

  func map(_ name: String, size: UInt64) throws(FileSystemError) -> MappedFile {
    try directory.map(name, size: size)
  }

  func rename(_ name: String, to newName: String) throws(FileSystemError) {
    try settle()
    try directory.rename(name, to: newName)
  }

  func renameNew(_ name: String, to newName: String) throws(FileSystemError) {
    try settle()
    try directory.renameNew(name, to: newName)
  }

  func remove(_ name: String) throws(FileSystemError) {
    try settle()
    try directory.remove(name)
  }

  func lock(_ name: String, isShared: Bool) throws(FileSystemError) -> any FileLock {
    try directory.lock(name, isShared: isShared)
  }
}
