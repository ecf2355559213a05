import Testing
import VarveTestSupport

@testable import Varve

/// That the checker finds what is wrong with a history: each made by hand, with one thing wrong or none.
@Suite struct HistoryCheckerTests {
  private typealias Record = HistoryRecord
  private typealias Violation = HistoryChecker.Violation

  private static func violations(_ history: [Record]) -> [Violation] {
    HistoryChecker.findings(in: history, writers: 2).map(\.violation)
  }

  private static func wrote(
    _ writer: Int, _ round: Int, _ begin: UInt64, _ end: UInt64, isSynced: Bool = false
  ) -> Record {
    Record(
      thread: writer, begin: begin, end: end,
      .wrote(writer: writer, round: round, isSynced: isSynced))
  }

  private static func saw(
    _ marks: [(writer: Int, keyspace: Int, round: Int)], _ begin: UInt64, _ end: UInt64,
    thread: Int = 9
  ) -> Record {
    Record(thread: thread, begin: begin, end: end, .saw(sightings(marks)))
  }

  private static func sightings(
    _ marks: [(writer: Int, keyspace: Int, round: Int)]
  ) -> [Sighting] {
    marks.map { Sighting(writer: $0.writer, keyspace: $0.keyspace, .mark($0.round)) }
  }

  /// Two writers, of which one is acknowledged late.
  private static let writes = [
    wrote(0, 1, 10, 20), wrote(0, 2, 30, 40, isSynced: true), wrote(1, 1, 12, 50),
    wrote(1, 2, 60, 70),
  ]

  @Test func aRightHistoryIsFoundRight() {
    let reads = [
      Self.saw([(0, 0, 0), (0, 1, 0)], 1, 2), Self.saw([(0, 0, 1), (1, 0, 0)], 15, 16),
      Self.saw([(0, 0, 1), (1, 0, 1)], 24, 26), Self.saw([(0, 0, 2), (1, 0, 1)], 35, 36),
      Self.saw([(0, 0, 2), (1, 0, 2)], 80, 90),
      Record(
        thread: 8, begin: 80, end: 81, .found(Self.sightings([(0, 0, 2), (1, 0, 0)]), .powerCut)),
      Record(
        thread: 8, begin: 90, end: 91, .found(Self.sightings([(0, 0, 2), (1, 0, 2)]), .close)),
    ]
    // After a power cut the later round of the other writer may be gone, but not what was seen beside it.
    #expect(Self.violations(Self.writes + reads.dropLast(2) + reads.suffix(1)) == [])
  }

  @Test func aWriteThatWasAcknowledgedBeforeAReadBeganIsMissed() {
    #expect(Self.violations(Self.writes + [Self.saw([(0, 0, 1)], 41, 42)]) == [.missedWrite])
    #expect(Self.violations(Self.writes + [Self.saw([(0, 0, 1)], 40, 42)]) == [])
  }

  @Test func aReadGoesBackBehindOneThatWasOver() {
    let reads = [Self.saw([(1, 0, 1)], 15, 16), Self.saw([(1, 0, 0)], 17, 18)]
    #expect(Self.violations(Self.writes + reads) == [.wentBack])
    // While both were going on either may be the first.
    let beside = [Self.saw([(1, 0, 1)], 15, 18), Self.saw([(1, 0, 0)], 17, 19)]
    #expect(Self.violations(Self.writes + beside) == [])
  }

  @Test func aBatchIsTornOverKeyspaces() {
    let read = Self.saw([(0, 0, 2), (0, 1, 1)], 35, 36)
    #expect(Self.violations(Self.writes + [read]) == [.mixedMoment])
  }

  @Test func aScanMixesRounds() {
    let writes = (1...9).map { Self.wrote(0, $0, UInt64($0) * 10, UInt64($0) * 10 + 5) }
    func violations(_ slots: [Int]) -> [Violation] {
      let sighting = Sighting(writer: 0, keyspace: 0, .slots(slots))
      return Self.violations(writes + [Record(thread: 9, begin: 91, end: 96, .saw([sighting]))])
    }
    #expect(Sighting.slots(after: 9) == [8, 9, 6, 7])
    #expect(Sighting.slots(after: 2) == [1, 2] && Sighting.slots(after: 0) == [])
    #expect(violations([8, 9, 6, 7]) == [])
    #expect(violations([8, 6, 7]) == [.mixedMoment])
    #expect(violations([8, 9, 5, 6, 7]) == [.mixedMoment])
    #expect(violations([8, 1, 6, 7]) == [.mixedMoment])
    #expect(violations([9, 8, 6, 7]) == [.mixedMoment])
  }

  @Test func aValueWasNeverWritten() {
    #expect(Self.violations(Self.writes + [Self.saw([(0, 0, 3)], 80, 90)]) == [.neverWritten])
    #expect(Self.violations(Self.writes + [Self.saw([(1, 0, 2)], 55, 60)]) == [.neverWritten])
    let garbage = Self.saw([(1, 0, -1)], 1, 2)
    #expect(Self.violations(Self.writes + [garbage]) == [.neverWritten])
  }

  @Test func twoMomentsCannotBothHaveBeen() {
    let history = [
      Self.wrote(0, 1, 10, 50), Self.wrote(1, 1, 10, 50),
      Self.saw([(0, 0, 1), (1, 0, 0)], 20, 30, thread: 8),
      Self.saw([(0, 0, 0), (1, 0, 1)], 20, 30),
    ]
    #expect(Self.violations(history) == [.disorderedMoments])
    #expect(Self.violations(Array(history.dropLast())) == [])
  }

  @Test func whatWasAcknowledgedIsLostAfterAClose() {
    let found = Self.sightings([(0, 0, 2), (1, 0, 1)])
    let record = Record(thread: -1, begin: 100, end: 101, .found(found, .close))
    #expect(Self.violations(Self.writes + [record]) == [.lostWrite])
  }

  @Test func whatWasSyncedIsLostInAPowerCut() {
    func violations(_ first: Int, _ second: Int, at moment: UInt64, synced: Bool) -> [Violation] {
      let sync = synced ? [Record(thread: 7, begin: 75, end: 78, .synced)] : []
      let found = Self.sightings([(0, 0, first), (1, 0, second)])
      let cut = Record(thread: 8, begin: moment, end: moment + 1, .found(found, .powerCut))
      return Self.violations(Self.writes + sync + [cut])
    }
    #expect(violations(1, 0, at: 45, synced: false) == [.lostWrite])
    #expect(violations(2, 0, at: 45, synced: false) == [])
    // What was acknowledged before another's sync began is durable with it.
    #expect(violations(0, 0, at: 41, synced: false) == [.lostWrite])
    #expect(violations(2, 1, at: 80, synced: false) == [])
    #expect(violations(2, 1, at: 80, synced: true) == [.lostWrite])
    #expect(violations(2, 1, at: 77, synced: true) == [])
  }
}
