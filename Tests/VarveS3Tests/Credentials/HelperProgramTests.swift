import Testing
import VarvePlatform

@testable import VarveS3

@Suite struct HelperProgramTests {
  private func problem(_ command: String, seconds: UInt64 = 20) -> String? {
    do {
      _ = try HelperProgram.output(of: command, within: seconds * 1_000_000_000)
      return nil
    } catch { return error.message }
  }

  @Test func itsOutputIsRead() throws {
    let output = try HelperProgram.output(
      of: "printf 'a b'; cat; printf ' c' 1>&1", within: 20_000_000_000)
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

  @Test func itMayNotPrintForEver() {
    #expect(problem("cat /dev/zero")?.contains("too much") == true)
  }
}
