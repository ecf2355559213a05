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
/// A sync is only made where a name came since the last one: whoever asks need not know what others
/// made durable. Names that went need none: a file that comes back is one that no version names.
final class GuardedDirectory: Directory {
  private let directory: any Directory
  private let poison: Poison
  /// Held from a sync to the mark its failure leaves, so that no other comes between. How many of the
  /// names that came are durable.
  private let syncing = Monitor<UInt64>(0)
  /// How many names have come. Counted when they are there: whoever made one and asks for a sync finds
  /// it counted.
  private let arrivals = Atomic<UInt64>(0)
  /// Whether names were found that another process may have made.
  let isInherited = Atomic(false)

  init(_ directory: any Directory, poison: Poison) {
    self.directory = directory
    self.poison = poison
  }

  /// A name is there that may not be durable.
  func arrive() { arrivals.add(1, ordering: .releasing) }

  func sync() throws(FileSystemError) {
    try syncing.withLock { durable throws(FileSystemError) in
      guard poison.failure == nil else {
        throw FileSystemError(.syncDirectory, .device, path: path)
      }
      let reached = arrivals.load(ordering: .acquiring)
      guard durable < reached else { return }
      do throws(FileSystemError) { try directory.sync() } catch {
        poison.set(because: StoreError(error))
        throw error
      }
      durable = reached
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
    // Also where it fails: nobody knows whether the name is there.
    defer { arrive() }
    return try directory.create(name)
  }

  func open(_ name: String) throws(FileSystemError) -> any File { try directory.open(name) }

  func openForWriting(_ name: String) throws(FileSystemError) -> any File {
    try directory.openForWriting(name)
  }

  func createLog(_ name: String, capacity: UInt64) throws(FileSystemError) -> any LogFile {
    try settle()
    defer { arrive() }
    return try directory.createLog(name, capacity: capacity)
  }

  func map(_ name: String, size: UInt64) throws(FileSystemError) -> MappedFile {
    try directory.map(name, size: size)
  }

  func rename(_ name: String, to newName: String) throws(FileSystemError) {
    try settle()
    defer { arrive() }
    try directory.rename(name, to: newName)
  }

  func renameNew(_ name: String, to newName: String) throws(FileSystemError) {
    try settle()
    defer { arrive() }
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
