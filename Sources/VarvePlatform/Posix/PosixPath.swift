#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Paths of this machine, as texts.
package enum PosixPath {
  /// The same place named from the root, so that it means the same from everywhere; links on the way stay.
  package static func absolute(_ path: String) -> String {
    guard path.utf8.first != slash, let start = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(start) }
    return unsafe String(validatingCString: start).map { "\($0)/\(path)" } ?? path
  }

  /// Where it leads to, past all links; nil where there is nothing.
  package static func resolved(_ path: String) -> String? {
    guard let found = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(found) }
    return unsafe String(validatingCString: found)
  }

  private static let slash = UInt8(ascii: "/")

  private static func above(_ path: String) -> String {
    let parts = path.utf8.split(separator: slash).map { String($0) ?? "" }
    let start = path.utf8.first == slash ? "/" : "./"
    return start + parts.dropLast().joined(separator: "/")
  }

  /// Whether `path` is `directory`, or lies below it. The last part of `path` need not be there yet.
  package static func lies(_ path: String, within directory: String) -> Bool {
    guard let path = resolved(path) ?? resolved(above(path)), let directory = resolved(directory)
    else { return false }
    // By bytes: what Unicode calls equivalent are two directories.
    let below = directory == "/" ? directory : directory + "/"
    return path.utf8.elementsEqual(directory.utf8) || path.utf8.starts(with: below.utf8)
  }
}
