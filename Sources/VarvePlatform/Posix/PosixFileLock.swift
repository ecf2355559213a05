#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The exclusive lock on a file, against other processes and against this one.
///
/// `flock` belongs to an open file, so it would let nobody in this process past either, but where
/// a network file system turns it into a process-wide lock it would: a list of what this process
/// holds decides first. The file is never removed: who locks a removed file locks nothing.
final class PosixFileLock: FileLock {
  private static let held = Monitor<Set<FileIdentity>>([])

  private let name: String
  private let identity: FileIdentity
  private let descriptor: Descriptor
  private let isHeld = Monitor(true)

  init(_ name: String, _ descriptor: Descriptor) throws(FileSystemError) {
    let identity = try descriptor.status(.lock, name).identity
    guard Self.held.withLock({ $0.insert(identity).inserted }) else {
      throw FileSystemError(.lock, .locked, path: name)
    }
    do {
      _ = try descriptor.use(.lock, name) { file throws(FileSystemError) in
        try systemCall(.lock, name) { flock(file, LOCK_EX | LOCK_NB) }
      }
    } catch {
      Self.held.withLock { _ = $0.remove(identity) }
      throw error
    }
    self.name = name
    self.identity = identity
    self.descriptor = descriptor
  }

  deinit { release() }

  func release() {
    guard isHeld.withLock(Self.take) else { return }
    // Unlocking by name, not only by closing: a forked child may hold the same open file.
    _ = try? descriptor.use(.lock, name) { file in flock(file, LOCK_UN) }
    try? descriptor.close(name)
    Self.held.withLock { _ = $0.remove(identity) }
  }

  /// Turns the flag off; true for the one caller who did.
  private static func take(_ flag: inout Bool) -> Bool {
    defer { flag = false }
    return flag
  }
}
