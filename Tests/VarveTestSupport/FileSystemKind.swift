import CVarveShims
import VarveFormat
package import VarvePlatform
import VarveSimulation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The file systems that every test of the engine runs on.
///
/// ```swift
/// @Test(arguments: FileSystemKind.allCases)
/// func reopeningFindsWhatWasWritten(on kind: FileSystemKind) throws {
///   try kind.withDirectory { directory, fileSystem, path in ... }
/// }
/// ```
package enum FileSystemKind: String, CaseIterable, Sendable {
  case posix
  case simulated
  /// The machine's, where nothing is stored into: only what tests of logs run on as well.
  case posixByWriting

  package static let allCases: [FileSystemKind] = [.posix, .simulated]
  package static let ofLogs = allCases + [.posixByWriting]

  /// Lends an empty directory, which is gone afterwards, and the file system it lies in.
  package func withDirectory<Result>(
    _ body: (any Directory, any FileSystem, _ path: String) throws -> Result
  ) throws -> Result {
    switch self {
    case .posix: return try withTemporaryDirectory { try run(PosixFileSystem(), $0, body) }
    case .posixByWriting:
      return try withTemporaryDirectory {
        try run(PosixFileSystem(storesIntoLogs: false), $0, body)
      }
    case .simulated: return try run(SimulatedFileSystem(), "store", body)
    }
  }

  private func run<Result>(
    _ fileSystem: any FileSystem, _ path: String,
    _ body: (any Directory, any FileSystem, String) throws -> Result
  ) throws -> Result {
    try body(try fileSystem.openDirectory(at: path, create: true), fileSystem, path)
  }
}

/// Lends the path of a new directory on the machine's disk and removes it with all that is in it.
package func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = "/tmp/varve-test-\(getpid())-\(SystemRandom().next())"
  guard unsafe mkdir(path, 0o700) == 0 else { throw TemporaryDirectoryError(number: errno) }
  defer { removeTree(path) }
  return try body(path)
}

/// A temporary directory could not be made.
package struct TemporaryDirectoryError: Error {
  package var number: Int32
}

/// Removes a directory and everything below it; links are removed, not followed.
private func removeTree(_ path: String) {
  if let stream = unsafe opendir(path) {
    while let entry = unsafe readdir(stream) {
      let name = unsafe String(cString: varve_entry_name(entry))
      guard name != ".", name != ".." else { continue }
      let child = path + "/" + name
      if unsafe unlink(child) != 0 { removeTree(child) }
    }
    unsafe closedir(stream)
  }
  unsafe rmdir(path)
}

/// The bytes of a whole file.
package func readAll(_ name: String, in directory: any Directory) throws -> [UInt8] {
  let file = try directory.open(name)
  let buffer = AlignedBuffer(capacity: Int(try file.size()))
  let count = try file.read(into: buffer, count: buffer.capacity, at: 0)
  try file.close()
  return buffer.view(count: count).array
}

extension File {
  /// Writes the bytes of an array.
  package func write(_ bytes: [UInt8], at offset: UInt64) throws(FileSystemError) {
    try bytes.withByteView { view throws(FileSystemError) in try write(view, at: offset) }
  }
}

extension LogFile {
  /// Writes the bytes of an array as the header.
  package func writeHeader(_ header: [UInt8]) throws(FileSystemError) {
    try header.withByteView { view throws(FileSystemError) in try writeHeader(view) }
  }

  /// Appends the bytes of an array.
  package func append(_ bytes: [UInt8], at offset: UInt64) throws(FileSystemError) {
    try bytes.withByteView { view throws(FileSystemError) in try append(view, at: offset) }
  }
}
