import Testing
import VarveFormat

@testable import Varve

/// The rules against their definition: whatever a reader can read, before and after a compaction
/// and with anything older below, is the same.
@Suite("Drop rules")
struct DropRulesTests {
  struct Version: Equatable {
    var sequence: UInt64
    var kind: EntryKind
    var expiry: ExpiryTime
  }

  /// What a reader finds: a version's value, the value of older data below, or nothing.
  enum Found: Equatable {
    case value(of: UInt64)
    case below
    case nothing
  }

  static func read(_ versions: [Version], hasBelow: Bool, at point: ReadPoint) -> Found {
    for version in versions where version.sequence <= point.sequence.rawValue {
      let isHidden =
        version.kind == .delete || version.expiry != 0 && version.expiry <= point.time
      return isHidden ? .nothing : .value(of: version.sequence)
    }
    return hasBelow ? .below : .nothing
  }

  static func sift(
    _ versions: [Version], _ rules: DropRules, isBottommost: Bool
  ) -> [Version] {
    var sieve = VersionSieve(rules)
    var kept: [Version] = []
    func delete(_ sequence: SequenceNumber?) {
      if let sequence {
        kept.append(Version(sequence: sequence.rawValue, kind: .delete, expiry: 0))
      }
    }
    for version in versions {
      let step = sieve.take(
        SequenceNumber(version.sequence), version.kind, expiry: version.expiry)
      guard case .keep(let hiding) = step else { continue }
      delete(hiding)
      kept.append(version)
    }
    delete(sieve.finish(mayHaveOlder: !isBottommost))
    return kept
  }

  /// Everybody who may read: the snapshots, and readers to come at the current point or past it.
  static func readers(_ rules: DropRules) -> [ReadPoint] {
    var readers = rules.snapshots
    for sequence in rules.current.sequence.rawValue...9 {
      for time in [15, 16, 25, 40] as [ExpiryTime] where time >= rules.current.time {
        readers.append(ReadPoint(sequence: SequenceNumber(sequence), time: time))
      }
    }
    return readers
  }

  /// Every history of `count` versions at sequences 2, 4, 6, 8, newest first.
  static func histories(_ count: Int) -> [[Version]] {
    guard count > 0 else { return [[]] }
    let sequence = UInt64(2 * count)
    let choices = [
      Version(sequence: sequence, kind: .put, expiry: 0),
      Version(sequence: sequence, kind: .put, expiry: 15),
      Version(sequence: sequence, kind: .pointer, expiry: 20),
      Version(sequence: sequence, kind: .delete, expiry: 0),
    ]
    return histories(count - 1).flatMap { older in choices.map { [$0] + older } }
  }

  /// Every set of snapshots before, at, between and after versions, each old or young.
  static func snapshotSets() -> [[ReadPoint]] {
    var sets: [[ReadPoint]] = [[]]
    for sequence in [1, 2, 4, 5, 7] as [UInt64] {
      sets += sets.flatMap { set in
        [5, 15].map { set + [ReadPoint(sequence: SequenceNumber(sequence), time: $0)] }
      }
    }
    return sets
  }

  static let currentPoints = [
    ReadPoint(sequence: SequenceNumber(9), time: 15),
    ReadPoint(sequence: SequenceNumber(9), time: 25),
    // Entries above are on their way: no reader sees them yet, readers to come will.
    ReadPoint(sequence: SequenceNumber(5), time: 15),
    ReadPoint(sequence: SequenceNumber(4), time: 25),
  ]

  static func rules() -> [DropRules] {
    currentPoints.flatMap { current in
      snapshotSets().filter { ($0.last?.sequence ?? .zero) <= current.sequence }
        .map { DropRules($0 + [current]) }
    }
  }

  @Test(arguments: 0...4)
  func whatAnyReaderCanReadStaysTheSame(versionCount: Int) {
    let histories = Self.histories(versionCount)
    for rules in Self.rules() {
      let readers = Self.readers(rules)
      for history in histories {
        for isBottommost in [true, false] {
          let kept = Self.sift(history, rules, isBottommost: isBottommost)
          for point in readers {
            for hasBelow in isBottommost ? [false] : [false, true] {
              let before = Self.read(history, hasBelow: hasBelow, at: point)
              let after = Self.read(kept, hasBelow: hasBelow, at: point)
              if before != after {
                Issue.record("\(history) became \(kept) for \(point), rules \(rules.snapshots)")
                return
              }
            }
          }
        }
      }
    }
  }

  @Test(arguments: 0...4)
  func nothingIsKeptThatNoReaderNeeds(versionCount: Int) {
    // Without expiry, so that "needs" has one meaning whatever the time is.
    let histories = Self.histories(versionCount).filter { $0.allSatisfy { $0.expiry == 0 } }
    for rules in Self.rules() {
      let readers = Self.readers(rules)
      for history in histories {
        for isBottommost in [true, false] {
          let kept = Self.sift(history, rules, isBottommost: isBottommost)
          for index in kept.indices {
            var fewer = kept
            fewer.remove(at: index)
            let isNeeded = (isBottommost ? [false] : [false, true]).contains { hasBelow in
              readers.contains {
                Self.read(kept, hasBelow: hasBelow, at: $0)
                  != Self.read(fewer, hasBelow: hasBelow, at: $0)
              }
            }
            if !isNeeded {
              Issue.record("\(kept) of \(history) could lose \(index), rules \(rules.snapshots)")
              return
            }
          }
        }
      }
    }
  }

  @Test func atTheBottomWithoutSnapshotsOnlyTheNewestValueStays() {
    let rules = DropRules([ReadPoint(sequence: SequenceNumber(9), time: 25)])
    for history in Self.histories(4) {
      let kept = Self.sift(history, rules, isBottommost: true)
      let isVisible = history[0].kind != .delete && history[0].expiry == 0
      #expect(kept == (isVisible ? [history[0]] : []))
    }
  }

  @Test func kindsItDoesNotKnowAreKeptAndHideNothing() {
    let rules = DropRules([ReadPoint(sequence: SequenceNumber(9), time: 25)])
    let history = [
      Version(sequence: 8, kind: .delete, expiry: 0),
      Version(sequence: 6, kind: .rangeDelete, expiry: 0),
      Version(sequence: 4, kind: .rangeDelete, expiry: 3),
      Version(sequence: 2, kind: .put, expiry: 0),
    ]
    #expect(Self.sift(history, rules, isBottommost: true) == Array(history[0...2]))
    let onlyPut = Array(history[1...])
    #expect(Self.sift(onlyPut, rules, isBottommost: true) == onlyPut)
  }

  @Test func aPutIsExpiredFromTheMillisecondOfItsExpiryOn() {
    let rules = DropRules([
      ReadPoint(sequence: SequenceNumber(3), time: 14),
      ReadPoint(sequence: SequenceNumber(9), time: 15),
    ])
    let decide = { (sequence: UInt64, expiry: ExpiryTime) in
      rules.decide(SequenceNumber(sequence), .put, expiry: expiry, newer: nil)
    }
    #expect(decide(4, 15) == .hide)
    #expect(decide(4, 16) == .keep)
    #expect(decide(3, 15) == .keep, "the snapshot reads it still")
    #expect(decide(3, 14) == .hide)
  }

  @Test func countsWhatItLeavesOutAndWhy() {
    var sieve = VersionSieve(DropRules([ReadPoint(sequence: SequenceNumber(9), time: 25)]))
    #expect(sieve.take(SequenceNumber(8), .put, expiry: 20) == .drop)
    #expect(sieve.take(SequenceNumber(6), .put, expiry: 0) == .drop)
    #expect(sieve.finish(mayHaveOlder: false) == nil)
    #expect(sieve.counts == DropCounts(overwritten: 1, expired: 1, deletes: 1))
  }

  @Test func aDroppedKeyspaceGoesOnceNoSnapshotIsOlder() {
    let point = { (sequence: UInt64) in ReadPoint(sequence: SequenceNumber(sequence), time: 1) }
    let dropped = KeyspaceLiveness.dropping([7: 20])
    #expect(DropRules([point(20)], dropped).dropsKeyspace(7))
    #expect(!DropRules([point(20)], dropped).dropsKeyspace(8))
    #expect(!DropRules([point(19)], dropped).dropsKeyspace(7), "not visible yet")
    #expect(DropRules([point(20), point(30)], dropped).dropsKeyspace(7))
    #expect(!DropRules([point(19), point(30)], dropped).dropsKeyspace(7))
  }
}
