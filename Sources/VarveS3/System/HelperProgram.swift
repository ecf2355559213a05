import CVarveCurl
import VarvePlatform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A program that prints something short and ends: `credential_process` of profiles.
///
/// ```
///   start     its own process group; our end of the pipe is closed in it
///   read      until it closes its output, prints too much, is late or is cancelled
///   wait      for its end, by the same deadline; else the group is killed
/// ```
enum HelperProgram {
  struct Problem: Error {
    /// For a person; what the program printed is no part of it.
    let message: String
  }

  static let mostBytes = 64 << 10

  /// What `command` prints, run by the shell, which the profile's author meant it for.
  ///
  /// - Parameters:
  ///   - nanoseconds: how long it may take; then it is killed, with what it started.
  ///   - cancellation: kills it too.
  static func output(
    of command: String, within nanoseconds: UInt64, _ cancellation: HTTPCancellation
  ) throws(Problem) -> [UInt8] {
    let patience = Patience(nanoseconds, cancellation)
    let ends = try pipeEnds()
    defer { close(ends.reading) }
    let process = try start(command, output: ends.writing)
    let output = readAll(ends.reading, patience)
    let end = output == nil ? .late : end(of: process, patience)
    if end == .late {
      // Its number is its own until somebody has waited for it, and so is its group's.
      kill(-process, SIGKILL)
      _ = Self.end(of: process, Patience(killNanoseconds, HTTPCancellation()))
    }
    guard let output, end != .late else {
      throw Problem(message: "credential_process took too long or printed too much")
    }
    if case .status(let status) = end, status != 0 {
      throw Problem(message: "credential_process failed with \(status)")
    }
    return output
  }

  /// How long a killed one may still be there: it may be in a call of the kernel that does not end.
  private static let killNanoseconds: UInt64 = 1_000_000_000

  /// How long there is time.
  private struct Patience {
    private static let slice: UInt64 = 20_000_000
    private let clock = SystemClock()
    private let deadline: UInt64
    private let cancellation: HTTPCancellation

    init(_ nanoseconds: UInt64, _ cancellation: HTTPCancellation) {
      deadline = clock.monotonicNanoseconds() &+ nanoseconds
      self.cancellation = cancellation
    }

    /// Milliseconds that may be waited at once; nil where there is no more time.
    func milliseconds() -> Int32? {
      let now = clock.monotonicNanoseconds()
      guard now < deadline, !cancellation.isCancelled else { return nil }
      return Int32(min(deadline - now, Self.slice) / 1_000_000 + 1)
    }
  }
}

// MARK: - Starting

extension HelperProgram {
  /// A pipe that no program gets but the one it is for.
  private static func pipeEnds() throws(Problem) -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard unsafe varve_pipe(&ends) == 0 else { throw Problem(message: "no pipe for a program") }
    return (ends[0], ends[1])
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
    // In this order: without a standard input of ours the pipe itself may have its number.
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    setSignals(&attributes)
    let texts = ["sh", "-c", command]
    var arguments = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
    var process: pid_t = 0
    let number = unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, environ)
    guard number == 0 else { throw Problem(message: "/bin/sh does not start: \(number)") }
    return process
  }

  /// A group of its own, and the signals that a program expects: threads of ours keep some from themselves,
  /// and whoever uses this library may ignore others.
  private static func setSignals(_ attributes: inout posix_spawnattr_t) {
    var kept = sigset_t()
    unsafe sigemptyset(&kept)
    unsafe posix_spawnattr_setsigmask(&attributes, &kept)
    var usual = sigset_t()
    unsafe sigemptyset(&usual)
    for signal in [SIGPIPE, SIGCHLD] { unsafe sigaddset(&usual, signal) }
    unsafe posix_spawnattr_setsigdefault(&attributes, &usual)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
  }
}

// MARK: - Its output and its end

extension HelperProgram {
  /// All that is written; nil where it is too much or there was no time for it.
  private static func readAll(_ descriptor: Int32, _ patience: Patience) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= mostBytes {
      guard let milliseconds = patience.milliseconds() else { return nil }
      var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&ready, 1, milliseconds) > 0 else { continue }
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
    return nil
  }

  private enum End: Equatable {
    /// Its exit status, or minus the signal that ended it.
    case status(Int32)
    /// It is over, and who ignores SIGCHLD is told no more.
    case unknown
    /// It is not over.
    case late
  }

  private static func end(of process: pid_t, _ patience: Patience) -> End {
    while true {
      var status: Int32 = 0
      let ended = unsafe waitpid(process, &status, WNOHANG)
      if ended == process {
        return .status(status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f))
      }
      if ended < 0, errno != EINTR { return .unknown }
      guard patience.milliseconds() != nil else { return .late }
      usleep(2_000)
    }
  }
}
