import Testing

@testable import VarvePlatform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Calls of the system that are interrupted, or move a part of what they were asked to.
///
/// What the simulated disk stands above: it is told of whole reads and writes only.
@Suite("Calls of the system")
struct TransferTests {
  /// Answers of the system, one after the other; an error number is a call that failed with it.
  private final class Script {
    enum Answer {
      case moved(Int)
      case error(Int32)
    }

    private var answers: [Answer]
    /// What was done before each call.
    private(set) var asked: [Int] = []

    init(_ answers: [Answer]) { self.answers = answers }

    func next(after done: Int) -> Int {
      asked.append(done)
      guard !answers.isEmpty else {
        Issue.record("one call too many")
        return 0
      }
      switch answers.removeFirst() {
      case .moved(let count): return count
      case .error(let number):
        errno = number
        return -1
      }
    }
  }

  private func transfer(_ count: Int, _ script: Script) throws(FileSystemError) -> Int {
    try VarvePlatform.transfer(.read, "file", count: count) { script.next(after: $0) }
  }

  @Test func aTransferGoesOnWhereItStopped() throws {
    let script = Script([.moved(3), .moved(1), .moved(6)])
    #expect(try transfer(10, script) == 10)
    #expect(script.asked == [0, 3, 4])
  }

  @Test func anInterruptedCallIsMadeAgain() throws {
    let script = Script([
      .error(EINTR), .error(EINTR), .moved(4), .error(EINTR), .moved(6),
    ])
    #expect(try transfer(10, script) == 10)
    #expect(script.asked == [0, 0, 0, 4, 4])
  }

  @Test func nothingMovedIsTheEnd() throws {
    let script = Script([.moved(4), .error(EINTR), .moved(0)])
    #expect(try transfer(10, script) == 4)
    #expect(try transfer(0, Script([])) == 0)
  }

  @Test(arguments: [(EIO, FileSystemError.Reason.device), (ENOSPC, .full), (EBADF, .other)])
  func anyOtherErrorEndsIt(_ number: Int32, _ reason: FileSystemError.Reason) {
    let script = Script([.moved(4), .error(EINTR), .error(number)])
    let error = #expect(throws: FileSystemError.self) { try transfer(10, script) }
    #expect(error?.reason == reason && error?.number == number)
    #expect(script.asked == [0, 4, 4])
  }

  @Test func aCallWithoutBytesIsMadeAgainToo() throws {
    let script = Script([.error(EINTR), .moved(0)])
    #expect(try systemCall(.sync, "file") { script.next(after: 0) } == 0)
    #expect(script.asked.count == 2)
  }
}
