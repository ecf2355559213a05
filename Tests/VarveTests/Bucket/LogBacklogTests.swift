import Testing
import VarveFormat

@testable import Varve

@Suite struct LogBacklogTests {
  /// A batch of one entry with a value of `size` bytes.
  private static func batch(_ size: Int) throws -> BatchEncoder {
    var batch = BatchEncoder()
    try [UInt8(1)].withByteView { key in
      try [UInt8](repeating: 2, count: size).withByteView { try batch.put(key, in: 1, $0) }
    }
    return batch
  }

  private static func numbers(_ backlog: LogBacklog) -> [UInt64]? {
    backlog.nextLog()?.map(\.first.rawValue)
  }

  @Test func filesComeBeforeTheFirstLog() throws {
    let backlog = LogBacklog(after: SequenceNumber(10))
    _ = backlog.take(try Self.batch(5), first: SequenceNumber(11))
    #expect(Self.numbers(backlog) == nil)
    #expect(!backlog.reaches(0))
    backlog.reach(SequenceNumber(10))
    #expect(backlog.reaches(10) && !backlog.reaches(11))
    #expect(Self.numbers(backlog) == [11])
    backlog.reach(SequenceNumber(11))
    #expect(backlog.bytes == 0)
    #expect(Self.numbers(backlog) == nil)
  }

  @Test func oneLogTakesSoMuchAndNoMore() throws {
    let backlog = LogBacklog(after: .zero)
    backlog.reach(.zero)
    for number in 1...5 {
      _ = backlog.take(try Self.batch(5 << 20), first: SequenceNumber(UInt64(number)))
    }
    #expect(Self.numbers(backlog) == [1, 2])
    backlog.reach(SequenceNumber(2))
    #expect(Self.numbers(backlog) == [3, 4])
  }

  /// More than may wait is let go; then files must be put, which have it.
  @Test func whatIsTooMuchIsLetGo() throws {
    let backlog = LogBacklog(after: .zero)
    backlog.reach(.zero)
    for number in 1...4 {
      _ = backlog.take(try Self.batch(20 << 20), first: SequenceNumber(UInt64(number)))
    }
    #expect(backlog.bytes <= LogBacklog.mostBytes)
    _ = backlog.take(try Self.batch(8), first: SequenceNumber(5))
    #expect(Self.numbers(backlog) == nil)
    backlog.reach(SequenceNumber(3))
    #expect(Self.numbers(backlog) == nil)
    backlog.reach(SequenceNumber(4))
    #expect(Self.numbers(backlog) == [5])
  }
}
