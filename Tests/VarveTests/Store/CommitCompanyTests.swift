import Synchronization
import Testing
import VarvePlatform

@testable import Varve

/// Time that does not go on: looks alone end a wait.
private final class StillClock: Clock {
  func wallMilliseconds() -> UInt64 { 0 }
  func monotonicNanoseconds() -> UInt64 { 0 }
}

/// Time that goes on by a tenth of a millisecond whenever it is asked for.
private final class SteppingClock: Clock {
  private let looks = Atomic<UInt64>(0)

  func wallMilliseconds() -> UInt64 { 0 }
  func monotonicNanoseconds() -> UInt64 {
    looks.add(1, ordering: .relaxed).newValue * 100_000
  }
}

@Suite("Company of commits")
struct CommitCompanyTests {
  @Test("A lone writer waits for nobody")
  func alone() {
    let company = CommitCompany(StillClock())
    var looks = 0
    for _ in 0..<10 {
      company.gather {
        looks += 1
        return 1
      }
      company.note(led: 1, inLine: 0)
      #expect(!company.isExpected)
    }
    #expect(looks == 0)
  }

  @Test("Those who shared a sync are waited for together with those in line")
  func expected() {
    let company = CommitCompany(StillClock())
    company.note(led: 3, inLine: 2)
    #expect(company.isExpected)
    var line = 2
    company.gather {
      line += 1
      return line
    }
    #expect(line == 5)
  }

  /// Where others keep the processors busy, to leave one of them to somebody takes milliseconds.
  @Test("A wait ends when its time is over, however seldom this thread has the processor")
  func patience() {
    let company = CommitCompany(SteppingClock())
    company.note(led: 4, inLine: 0)
    var looks = 0
    company.gather {
      looks += 1
      return 1
    }
    #expect((2...10).contains(looks))
  }

  @Test("Who does not come is waited for more and more seldom, until somebody comes")
  func vain() {
    let company = CommitCompany(StillClock())
    var waits: [Int] = []
    for group in 0..<200 {
      company.note(led: 1, inLine: 1)
      var looks = 0
      company.gather {
        looks += 1
        return 1
      }
      if looks > 0 { waits.append(group) }
    }
    let gaps = zip(waits, waits.dropFirst()).map { $1 - $0 }
    #expect(gaps == gaps.sorted() && gaps.last == 63)
    for _ in 0..<100 where !company.isExpected { company.note(led: 1, inLine: 1) }
    #expect(company.isExpected)
    company.gather { 2 }
    company.note(led: 2, inLine: 0)
    #expect(company.isExpected)
  }
}
