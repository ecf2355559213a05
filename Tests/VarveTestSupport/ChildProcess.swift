#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A program started beside the test, with a pipe to its standard input.
package final class ChildProcess {
  private let process: pid_t
  private var input: Int32

  /// Starts the program found by its name, with these arguments.
  package init(_ arguments: [String]) throws {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw ChildProcessError(number: errno) }
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    defer { close(ends[0]) }
    input = ends[1]
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe argv.indices { unsafe free(argv[index]) } }
    var process: pid_t = 0
    let number = unsafe posix_spawnp(&process, arguments[0], &actions, nil, &argv, environ)
    guard number == 0 else {
      close(ends[1])
      throw ChildProcessError(number: number)
    }
    self.process = process
  }

  deinit { closeInput() }

  /// Lets the program read the end of its input.
  package func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  package func kill() { sendSignal(process, SIGKILL) }

  /// Waits for the end: the exit status, or minus the number of the signal that ended it.
  package func wait() -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
  }
}

private func sendSignal(_ process: pid_t, _ signal: Int32) { _ = kill(process, signal) }

/// A program could not be started.
package struct ChildProcessError: Error {
  package var number: Int32
}
