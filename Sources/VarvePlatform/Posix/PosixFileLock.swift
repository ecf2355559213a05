#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A lock on a file, exclusive or shared, against other processes and against this one.
///
/// `flock` belongs to an open file and so keeps this process out too, but network file systems turn
/// it into a lock of the whole process: a list of what this process holds decides first. The file
/// is never removed: who locks a removed file locks nothing.
final class PosixFileLock: FileLock {
  /// How this process holds each lock: how many share it, or none for one alone.
  private static let held = Monitor<[FileIdentity: Int]>([:])

  private let name: String
  private let identity: FileIdentity
  private let descriptor: Descriptor
  private let isHeld = Monitor(true)
  /// The process that took the lock.
  private let owner = getpid()

  init(
    _ name: String, _ descriptor: Descriptor, isShared: Bool
  ) throws(FileSystemError) {
    let identity = try descriptor.status(.lock, name).identity
    guard Self.enter(identity, isShared) else {
      throw FileSystemError(.lock, .locked, path: name)
    }
    do {
      _ = try descriptor.use(.lock, name) { file throws(FileSystemError) in
        try systemCall(.lock, name) { flock(file, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) }
      }
    } catch {
      Self.leave(identity)
      throw error
    }
    self.name = name
    self.identity = identity
    self.descriptor = descriptor
  }

  deinit { release() }

  func release() {
    // A forked child has the same open file: what it unlocked would be its parent's.
    guard getpid() == owner, isHeld.withLock(Self.take) else { return }
    // Unlocking by name, not only by closing: a forked child may hold the same open file.
    _ = try? descriptor.use(.lock, name) { file in flock(file, LOCK_UN) }
    try? descriptor.close(name)
    Self.leave(identity)
  }

  /// Whether this process may hold the lock so, with what it holds already.
  private static func enter(_ identity: FileIdentity, _ isShared: Bool) -> Bool {
    held.withLock { held in
      switch (held[identity], isShared) {
      case (nil, true): held[identity] = 1
      case (nil, false): held[identity] = 0
      case (let sharers?, true) where sharers > 0: held[identity] = sharers + 1
      default: return false
      }
      return true
    }
  }

  private static func leave(_ identity: FileIdentity) {
    held.withLock { held in
      let left = (held[identity] ?? 0) - 1
      held[identity] = left > 0 ? left : nil
    }
  }

  /// Turns the flag off; true for the one caller who did.
  private static func take(_ flag: inout Bool) -> Bool {
    defer { flag = false }
    return flag
  }
}
