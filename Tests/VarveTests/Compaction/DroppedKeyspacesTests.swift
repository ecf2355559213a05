import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

extension KeyspaceLiveness {
  /// All numbers live but those that were dropped by these commits.
  static func dropping(_ dropped: [UInt32: UInt64]) -> KeyspaceLiveness {
    let end = (dropped.keys.max() ?? 0) + 1
    let live = (0..<end).filter { dropped[$0] == nil }
    return KeyspaceLiveness(
      policies: Dictionary(uniqueKeysWithValues: live.map { ($0, .default) }),
      dropped: dropped.mapValues { SequenceNumber($0) }, nextNumber: end)
  }
}

@Suite("Dropped keyspaces")
struct DroppedKeyspacesTests {
  /// Live, dropped at some time or before the opening, or not made yet; and readers.
  private func rules(_ random: inout SeededRandom) -> DropRules {
    var keyspaces = KeyspaceLiveness(
      policies: [:], dropped: [:], nextNumber: UInt32(random.below(14)))
    for number in 1..<15 as Range<UInt32> {
      switch random.below(3) {
      case 0: keyspaces.policies[number] = .default
      case 1: keyspaces.dropped[number] = SequenceNumber(UInt64(1 + random.below(30)))
      default: break
      }
    }
    let points = (0..<1 + random.below(3)).map { _ in random.below(32) }.sorted()
    return DropRules(
      points.map { ReadPoint(sequence: SequenceNumber(UInt64($0)), time: 1) }, keyspaces)
  }

  @Test func anAnswerAboutManyIsThatAboutEach() {
    var answers: Set<[Bool]> = []
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let rules = rules(&random)
      let dropped = rules.droppedKeyspaces
      for first in 0..<16 as Range<UInt32> {
        for last in first..<17 {
          let numbers = first...last
          let all = numbers.allSatisfy(rules.dropsKeyspace)
          let any = numbers.contains(where: rules.dropsKeyspace)
          let answer = [dropped.containsAll(of: numbers), dropped.containsAny(of: numbers)]
          if answer != [all, any] { Issue.record("seed \(seed): \(numbers), \(answer)") }
          answers.insert(answer)
        }
      }
    }
    #expect(answers.count == 3)
  }

  /// A forged one may reach over billions of keyspaces: to ask for each would take hours.
  @Test func aSegmentOverManyKeyspacesIsAskedForOnce() {
    var segment = RandomLevels.record(1, level: 0, 1 << 24...1 << 24)
    segment.largestKey = [0xff, 0xff, 0xff, 0xf0]
    var keyspaces = KeyspaceLiveness(policies: [:], dropped: [:], nextNumber: .max)
    func inputs() -> InputChooser {
      var state = RandomLevels.state([segment])
      state.rules = DropRules([ReadPoint(sequence: SequenceNumber(9), time: 1)], keyspaces)
      return InputChooser(state, RandomLevels.options)
    }
    #expect(inputs().droppedKeyspaces()?.action == .remove)
    keyspaces.policies[0x8000_0000] = .default
    #expect(inputs().droppedKeyspaces() == nil)
    #expect(inputs().mayHoldDropped(segment))
    keyspaces.nextNumber = 1
    #expect(!inputs().mayHoldDropped(segment))
  }
}
