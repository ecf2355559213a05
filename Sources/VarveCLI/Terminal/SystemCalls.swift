#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The calls of the operating system that a command-line tool needs; unsafe code stays in here.
///
/// Files of a store are not read this way: they go through the engine's own door.
enum SystemCalls {
  /// A call that failed, with the system's number for why.
  struct Failure: Error, Equatable {
    var call: String
    var number: Int32

    var isBrokenPipe: Bool { number == EPIPE }

    var description: String {
      guard let text = unsafe strerror(number) else { return "\(call) failed (\(number))" }
      return unsafe "\(call): \(String(cString: text))"
    }
  }

  /// Writing to a pipe that nobody reads becomes an error instead of the end of the process.
  static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Columns of the terminal behind `descriptor`; nil where it is none or does not say.
  static func terminalWidth(_ descriptor: Int32) -> Int? {
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }

  static func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// Where relative paths begin; nil where it is gone.
  static var workingDirectory: String? {
    guard let path = unsafe getcwd(nil, 0) else { return nil }
    defer { unsafe free(path) }
    return unsafe String(validatingCString: path)
  }

  static func exit(_ status: ExitStatus) -> Never { _exit(status.rawValue) }

  /// The words after the program's name; nil where one is not UTF-8. `CommandLine.arguments` would
  /// mend such a word in silence, and a mended key is another key.
  static func argumentsIfText() -> [String]? {
    var words: [String] = []
    for index in 1..<max(1, Int(CommandLine.argc)) {
      // The system hands over `argc` pointers to text that ends in a zero byte.
      guard let word = unsafe CommandLine.unsafeArgv[index],
        let text = unsafe String(validatingCString: word)
      else { return nil }
      words.append(text)
    }
    return words
  }
}

// MARK: - Reading and writing

extension SystemCalls {
  /// Opens a file for reading.
  static func open(_ path: String) throws(Failure) -> Int32 {
    while true {
      // The open call of C is variadic; without O_CREAT it takes no third argument.
      let descriptor = Self.openForReading(path)
      if descriptor >= 0 { return descriptor }
      if errno != EINTR { throw Failure(call: "open", number: errno) }
    }
  }

  /// Bytes of a regular file; nil for pipes, terminals and the like. Directories throw EISDIR.
  static func regularSize(_ descriptor: Int32) throws(Failure) -> UInt64? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Failure(call: "stat", number: errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return UInt64(max(0, status.st_size))
    case S_IFDIR: throw Failure(call: "read", number: EISDIR)
    default: return nil
    }
  }

  /// Fills `buffer` with the next bytes, at most `limit`; it is empty at the end of input.
  static func read(
    _ descriptor: Int32, into buffer: inout [UInt8], limit: Int
  ) throws(Failure) {
    var failure: Failure?
    unsafe buffer = [UInt8](unsafeUninitializedCapacity: limit) { space, count in
      while true {
        // The call writes at most `limit` bytes into a space of that many.
        let found = unsafe platformRead(descriptor, space.baseAddress, limit)
        if found >= 0 {
          count = found
          return
        }
        if errno != EINTR {
          failure = Failure(call: "read", number: errno)
          return
        }
      }
    }
    if let failure { throw failure }
  }

  /// Writes every byte.
  static func write(_ descriptor: Int32, _ bytes: [UInt8]) throws(Failure) {
    let failure: Failure? = unsafe bytes.withUnsafeBytes { bytes in
      var rest = unsafe bytes[...]
      while unsafe !rest.isEmpty {
        let part = unsafe UnsafeRawBufferPointer(rebasing: rest)
        let written = unsafe platformWrite(descriptor, part.baseAddress, part.count)
        if written >= 0 {
          unsafe rest = rest.dropFirst(written)
        } else if errno != EINTR {
          return Failure(call: "write", number: errno)
        }
      }
      return nil
    }
    if let failure { throw failure }
  }

  private static func openForReading(_ path: String) -> Int32 {
    #if canImport(Glibc)
      unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
    #elseif canImport(Musl)
      unsafe Musl.open(path, O_RDONLY | O_CLOEXEC)
    #else
      unsafe Darwin.open(path, O_RDONLY | O_CLOEXEC)
    #endif
  }

  private static func platformRead(
    _ descriptor: Int32, _ space: UnsafeMutablePointer<UInt8>?, _ count: Int
  ) -> Int {
    #if canImport(Glibc)
      unsafe Glibc.read(descriptor, space, count)
    #elseif canImport(Musl)
      unsafe Musl.read(descriptor, space, count)
    #else
      unsafe Darwin.read(descriptor, space, count)
    #endif
  }

  private static func platformWrite(
    _ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int
  ) -> Int {
    #if canImport(Glibc)
      unsafe Glibc.write(descriptor, bytes, count)
    #elseif canImport(Musl)
      unsafe Musl.write(descriptor, bytes, count)
    #else
      unsafe Darwin.write(descriptor, bytes, count)
    #endif
  }
}
