import Glibc
import Testing
import VarvePlatform

@testable import VarveS3

/// One after the other: two of them change what signals do.
@Suite(.serialized) struct HelperProgramTests {
  private func problem(_ command: String, seconds: UInt64 = 20) -> String? {
    do {
      _ = try HelperProgram.output(of: command, within: seconds * 1_000_000_000, HTTPCancellation())
      return nil
    } catch { return error.message }
  }

  @Test func itsOutputIsRead() throws {
    let output = try HelperProgram.output(
      of: "printf 'a b'; cat; printf ' c' 1>&1", within: 20_000_000_000,
      HTTPCancellation())
    #expect(output == Array("a b c".utf8))
  }

  @Test func whatFailsSaysSo() {
    #expect(problem("echo secret; exit 3") == "credential_process failed with 3")
    #expect(problem("kill -9 $$") == "credential_process failed with -9")
    #expect(problem("/nothing/here 2>/dev/null") == "credential_process failed with 127")
  }

  @Test func itMayNotTakeForEver() {
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    #expect(problem("sleep 60 & sleep 60", seconds: 1)?.contains("too long") == true)
    #expect(clock.monotonicNanoseconds() - start < 10_000_000_000)
  }

  @Test func itMayNotLiveOnWhenItHasPrinted() {
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    #expect(problem("echo a; exec >&-; sleep 15", seconds: 1)?.contains("too long") == true)
    #expect(clock.monotonicNanoseconds() - start < 8_000_000_000)
  }

  @Test func whatItStartedEndsWithIt() throws {
    // Its second process writes its number to a file, and would live for a minute.
    let path = "/tmp/varve-helper-\(getpid())"
    defer { unsafe unlink(path) }
    _ = problem("sh -c 'echo $$ > \(path); exec sleep 60' & sleep 60", seconds: 1)
    let bytes = try #require(SmallFile.contents(of: path))
    let process = try #require(
      pid_t(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)))
    let end = SystemClock().monotonicNanoseconds() + 5_000_000_000
    while kill(process, 0) == 0, SystemClock().monotonicNanoseconds() < end { usleep(10_000) }
    #expect(kill(process, 0) != 0 && errno == ESRCH)
  }

  @Test func itHasTheSignalsThatProgramsExpect() {
    let before = signal(SIGPIPE, SIG_IGN)
    defer { _ = signal(SIGPIPE, before) }
    #expect(problem("kill -PIPE $$; echo alive") == "credential_process failed with -13")
  }

  /// Who ignores SIGCHLD is not told how a program ended: then its output counts.
  @Test func itsEndMayBeUnknown() throws {
    let before = signal(SIGCHLD, SIG_IGN)
    defer { _ = signal(SIGCHLD, before) }
    #expect(problem("echo a") == nil)
    #expect(problem("echo a; exec >&-; sleep 15", seconds: 1)?.contains("too long") == true)
  }

  @Test func closingEndsIt() throws {
    let cancellation = HTTPCancellation()
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    let closer = try WorkerThread(name: "test") {
      _ = HTTPCancellation().sleep(until: start + 200_000_000)
      cancellation.cancel()
    }
    for command in ["sleep 15", "exec >&-; sleep 15"] {
      #expect(throws: HelperProgram.Problem.self) {
        try HelperProgram.output(of: command, within: 20_000_000_000, cancellation)
      }
    }
    closer.join()
    #expect(clock.monotonicNanoseconds() - start < 5_000_000_000)
  }

  @Test func itMayNotPrintForEver() {
    #expect(problem("cat /dev/zero")?.contains("too much") == true)
  }
}
