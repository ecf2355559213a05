#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What this process was given: environment variables and small files. Tests give others.
struct Surroundings: Sendable {
  /// A variable; nil where it is not set or empty.
  var variable: @Sendable (String) -> String?
  /// A whole file of at most 1 MiB; nil where it cannot be read.
  var file: @Sendable (String) -> [UInt8]?

  /// The process's own.
  static let process = Surroundings(
    variable: { name in
      guard let text = unsafe getenv(name) else { return nil }
      let value = unsafe String(cString: text)
      return value.isEmpty ? nil : value
    },
    file: { SmallFile.contents(of: $0) })
}

enum SmallFile {
  static let mostBytes = 1 << 20

  /// All bytes of a file; nil where it cannot be read or is larger than any file of this kind.
  static func contents(of path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count <= mostBytes {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
    return nil
  }
}
