import Testing
import VarveFormat
import VarvePlatform

@testable import Varve

/// Logs that are surveyed by one thread or by two, and what is gathered of them.
@Suite struct LogGatheringTests {
  private static let sizes: [UInt64: Int] = [3: 8 << 20, 4: 8 << 20, 9: 8 << 20]

  private static func gathering(
    _ sizes: [UInt64: Int] = sizes, usesThreads: Bool = true
  ) -> LogGathering {
    LogGathering(sizes, memoryBytes: 1 << 20, usesThreads: usesThreads)
  }

  /// What is called with, and by how many at once; a call waits for another where there are to be two.
  private static func calls(
    of gathering: LogGathering, count: Int, by threads: Int
  ) -> (indices: [Int], atOnce: Int) {
    struct Seen {
      var indices: [Int] = []
      var running = 0
      var atOnce = 0
    }
    let seen = Monitor(Seen())
    let deadline = SystemClock().monotonicNanoseconds() + 10_000_000_000
    gathering.surveying.forEach(count) { index in
      seen.withLock { seen in
        seen.indices.append(index)
        seen.running += 1
        seen.atOnce = max(seen.atOnce, seen.running)
      }
      seen.broadcast()
      _ = seen.wait(until: deadline) { $0.indices.count >= threads }
      seen.withLock { $0.running -= 1 }
    }
    return seen.withLock { ($0.indices, $0.atOnce) }
  }

  @Test func largeLogsAreSurveyedByTwoThreadsEachOnce() {
    let (indices, atOnce) = Self.calls(of: Self.gathering(), count: 50, by: 2)
    #expect(indices.sorted() == Array(0..<50))
    #expect(atOnce == 2)
    // The largest of them, which are the last, before the others.
    #expect(Set(indices.prefix(2)) == [48, 49])
  }

  @Test func littleOrAloneOrUnaskedIsSurveyedByOne() {
    for gathering in [
      Self.gathering([3: 1000, 4: 1000]), Self.gathering([3: 64 << 20]),
      Self.gathering(usesThreads: false),
    ] {
      let (indices, atOnce) = Self.calls(of: gathering, count: 50, by: 1)
      #expect(indices == Array(0..<50))
      #expect(atOnce == 1)
    }
  }

  /// What one log holds is not another's, and one that was given up is not there.
  @Test func eachLogIsGatheredForItself() throws {
    let gathering = Self.gathering()
    for (log, batches) in [(UInt64(3), 1), (9, 2)] {
      let visit = try #require(gathering.surveying.visitor(log))
      for batch in 0..<batches { try GatheredLogTests.visit(visit, sequence: 1 + 2 * batch) }
    }
    #expect(gathering.entries(of: 3)?.entryCount == 2)
    #expect(gathering.entries(of: 9)?.entryCount == 4)
    #expect(gathering.entries(of: 4)?.entryCount == 0)
    #expect(gathering.entries(of: 5) == nil)
    #expect(gathering.surveying.visitor(5) == nil)
    let visit = try #require(gathering.surveying.visitor(9))
    try GatheredLogTests.visit(visit, sequence: 5, isMalformed: true)
    #expect(gathering.entries(of: 9) == nil)
    #expect(gathering.entries(of: 3)?.entryCount == 2)
  }
}
