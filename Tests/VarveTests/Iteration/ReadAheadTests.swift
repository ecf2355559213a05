import Testing
import VarveFormat

@testable import Varve

/// What the system is asked to read ahead of a walk.
@Suite struct ReadAheadTests {
  private let limits: Range<UInt64> = 64..<10_000_000
  private let piece: UInt64 = 8 << 10

  /// Walks the whole part in one direction, and looks at what was asked for at each step.
  private func walk(forward: Bool) -> (asked: [Range<UInt64>], late: Int) {
    var ahead = ReadAhead()
    var asked: [Range<UInt64>] = []
    var late = 0
    var place = forward ? limits.lowerBound : limits.upperBound
    while forward ? place + piece <= limits.upperBound : place >= limits.lowerBound + piece {
      let next = forward ? place..<place + piece : place - piece..<place
      let isKnown = asked.contains { $0.contains(forward ? next.upperBound - 1 : next.lowerBound) }
      if asked.count > 0, !isKnown { late += 1 }
      if let range = ahead.next(next, forward: forward, within: limits) { asked.append(range) }
      place = forward ? next.upperBound : next.lowerBound
    }
    return (asked, late)
  }

  @Test(arguments: [true, false])
  func aLongWalkFindsAllButItsBeginningAskedForOnceAndInTime(forward: Bool) {
    let (asked, late) = walk(forward: forward)
    #expect(late == 0)
    for (one, next) in zip(asked, asked.dropFirst()) {
      #expect(forward ? one.upperBound == next.lowerBound : one.lowerBound == next.upperBound)
    }
    #expect(asked.first?.count == 64 << 10)
    #expect(asked.allSatisfy { $0.count <= 1 << 20 && limits.contains($0.lowerBound) })
    #expect(asked.map(\.count).max() == 1 << 20)
    #expect(forward ? asked.last?.upperBound == limits.upperBound : asked.last?.lowerBound == 64)
  }

  @Test func aShortWalkAsksForNothing() {
    var ahead = ReadAhead()
    #expect(ahead.next(64..<8192, forward: true, within: limits) == nil)
    #expect(ahead.next(8192..<16_384, forward: true, within: limits) == nil)
    #expect(ahead.next(16_384..<24_576, forward: true, within: limits) != nil)
  }

  @Test func theEndsOfAllNumbersAreNoTrap() {
    var ahead = ReadAhead()
    let last = UInt64.max - 10..<UInt64.max
    for _ in 0..<5 {
      _ = ahead.next(last, forward: true, within: 0..<UInt64.max)
      _ = ahead.next(0..<5, forward: false, within: 0..<UInt64.max)
    }
  }

  @Test func valuesThatLieBehindOneAnotherAreAWalkAndOthersAreNot() {
    func pointer(_ file: UInt64, _ offset: UInt64) -> ValuePointer {
      ValuePointer(
        file: file, offset: offset, storedCount: 3000, fullCount: 3000, checksum: 0, codec: .none)
    }
    var walk = ValueWalk()
    var asked = 0
    for index in 0..<100 as Range<UInt64> where walk.next(pointer(3, 64 + 3072 * index)) != nil {
      asked += 1
    }
    #expect(asked > 0)
    var scattered = ValueWalk()
    for index in 0..<100 as Range<UInt64> {
      #expect(scattered.next(pointer(3, 64 + 3072 * (index * 37 % 100) * 64)) == nil)
      #expect(scattered.next(pointer(index % 2, 64)) == nil)
    }
    #expect(walk.next(pointer(3, .max - 5)) == nil)
  }
}
