import VarvePlatform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A program that prints something short and ends: `credential_process` of profiles.
enum HelperProgram {
  struct Problem: Error {
    /// For a person; what the program printed is no part of it.
    let message: String
  }

  static let mostBytes = 64 << 10

  /// What `command` prints, run by the shell, which the profile's author meant it for.
  ///
  /// - Parameter nanoseconds: how long it may take; then it is killed, with what it started.
  static func output(
    of command: String, within nanoseconds: UInt64
  ) throws(Problem) -> [UInt8] {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw Problem(message: "no pipe for a program") }
    let (reading, writing) = (ends[0], ends[1])
    defer { close(reading) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let process = try start(command, output: writing)
    let clock = SystemClock()
    let deadline = clock.monotonicNanoseconds() &+ nanoseconds
    let output = readAll(reading, clock, until: deadline)
    // It and its group; it may be over, and then nothing happens.
    if output == nil { kill(-process, SIGKILL) }
    let status = end(of: process)
    guard let output else {
      throw Problem(message: "credential_process took too long or printed too much")
    }
    guard status == 0 else { throw Problem(message: "credential_process failed with \(status)") }
    return output
  }

  /// Starts it; `output` is its own from then on.
  private static func start(_ command: String, output: Int32) throws(Problem) -> pid_t {
    defer { close(output) }
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    // Threads of ours keep signals from themselves; a program does not expect that.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    unsafe posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETPGROUP))
    let texts = ["sh", "-c", command]
    var arguments = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
    var process: pid_t = 0
    let number = unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, environ)
    guard number == 0 else { throw Problem(message: "/bin/sh does not start: \(number)") }
    return process
  }

  /// All that is written; nil where it is too much or not over by the deadline.
  private static func readAll(
    _ descriptor: Int32, _ clock: some Clock, until deadline: UInt64
  ) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= mostBytes {
      let now = clock.monotonicNanoseconds()
      guard now < deadline else { return nil }
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let milliseconds = Int32(min((deadline - now) / 1_000_000 + 1, 60_000))
      guard Self.poll(&poll, milliseconds) else { continue }
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
    return nil
  }

  private static func poll(_ descriptor: inout pollfd, _ milliseconds: Int32) -> Bool {
    unsafe waitFor(&descriptor, 1, milliseconds) > 0
  }

  /// Its exit status, or minus the signal that ended it.
  private static func end(of process: pid_t) -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
  }
}

private func waitFor(
  _ descriptors: UnsafeMutablePointer<pollfd>, _ count: nfds_t, _ milliseconds: Int32
) -> Int32 { unsafe poll(descriptors, count, milliseconds) }
