import CVarveShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The files of the machine.
///
/// ```
/// PosixFileSystem  opens  PosixDirectory  (a descriptor; every name is opened relative to it)
///                             opens  PosixFile, PosixLogFile, MappedLogFile, MappedFile, PosixFileLock
/// ```
///
/// Links are never followed, only regular files are opened, nothing is left open across `exec`,
/// and what is made belongs to the user alone.
package final class PosixFileSystem: FileSystem {
  private let storesIntoLogs: Bool

  /// - Parameter storesIntoLogs: false for logs that are written everywhere, and never stored into.
  package init(storesIntoLogs: Bool = true) { self.storesIntoLogs = storesIntoLogs }

  package func openDirectory(
    at path: String, create: Bool
  ) throws(FileSystemError) -> any Directory {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw FileSystemError(.openDirectory, .notFound, path: path)
    }
    let trimmed = Self.withoutTrailingSlashes(path)
    if create { try Self.make(trimmed) }
    let descriptor = try Self.open(trimmed, flags: O_NOFOLLOW)
    return PosixDirectory(
      path: path, descriptor: descriptor, storesIntoLogs: storesIntoLogs)
  }

  /// Makes the directory where it is missing, and its entry in the parent durable.
  private static func make(_ path: String) throws(FileSystemError) {
    var made = true
    do {
      _ = try systemCall(.openDirectory, path) { unsafe mkdir(path, 0o700) }
    } catch  where error.reason == .exists {
      made = false
    }
    do {
      try open(parent(of: path), flags: 0).use(.openDirectory, path) {
        descriptor throws(FileSystemError) in
        _ = try systemCall(.syncDirectory, path) { varve_sync_all(descriptor) }
      }
    } catch  where !made && error.reason == .permission {
      // The directory was there before us, in a parent we may not read: not ours to sync.
    } catch {
      // Its entry may be seen and never become durable: it is made anew next time.
      if made { unsafe _ = rmdir(path) }
      throw error
    }
  }

  private static func open(_ path: String, flags: Int32) throws(FileSystemError) -> Descriptor {
    let all = O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags
    return Descriptor(
      owning: try systemCall(.openDirectory, path) {
        unsafe openat(AT_FDCWD, path, all)
      })
  }

  /// A link with a slash behind it would be followed.
  private static func withoutTrailingSlashes(_ path: String) -> String {
    var rest = path[...]
    while rest.utf8.count > 1, rest.utf8.last == slash { rest.unicodeScalars.removeLast() }
    return String(rest)
  }

  /// A byte, and not a `Character`: that takes in a mark behind it.
  private static let slash = UInt8(ascii: "/")

  package static func parent(of path: String) -> String {
    guard let end = path.utf8.lastIndex(of: slash) else { return "." }
    return end == path.startIndex ? "/" : String(path[..<end])
  }
}
