import Testing
import VarveTestSupport

@testable import Varve

/// That failing lists become small: with failures that were planted, and no store.
@Suite struct ShrinkerTests {
  private static let numbers = Array(1...200)

  @Test func oneElementIsLeftWhereOneFails() {
    var shrinker = Shrinker<Int> { $0.contains(77) }
    #expect(shrinker.shrunk(Self.numbers) == [77])
    #expect(5_000 - shrinker.remainingTries < 100)
  }

  @Test func elementsThatFailTogetherStayInTheirOrder() {
    var shrinker = Shrinker<Int> { list in
      let first = list.firstIndex(of: 150)
      let second = list.lastIndex(of: 199)
      return list.contains(3) && first != nil && second != nil && first! < second!
    }
    #expect(shrinker.shrunk(Self.numbers) == [3, 150, 199])
  }

  @Test func aFailureOfManyNeedsSoMany() {
    var shrinker = Shrinker<Int> { $0.count(where: { $0.isMultiple(of: 2) }) >= 10 }
    #expect(shrinker.shrunk(Self.numbers).count == 10)
  }

  @Test func elementsBecomePlainer() {
    var shrinker = Shrinker(simpler: { $0 > 0 ? [$0 / 2, $0 - 1] : [] }) { list in
      list.contains { $0 >= 41 }
    }
    #expect(shrinker.shrunk(Self.numbers) == [41])
  }

  @Test func whatFailsEmptyIsEmpty() {
    var shrinker = Shrinker<Int> { _ in true }
    #expect(shrinker.shrunk(Self.numbers) == [])
  }

  @Test func itEndsWhenNoTryIsLeft() {
    var asked = 0
    var shrinker = Shrinker<Int>(tries: 7) { list in
      asked += 1
      return list.contains(77)
    }
    #expect(shrinker.shrunk(Self.numbers).contains(77))
    #expect(asked == 7)
  }

  /// A put of a large value, then a flush, then a scan backward: found in a long random list.
  @Test func operationsBecomeFewAndPlain() {
    var operations = OperationGenerator.run(seed: 5, count: 400).operations
    operations += [.put(2, key: 40, .noise(5_000, 7), .lasting(milliseconds: 300), .synced)]
    operations += OperationGenerator.run(seed: 6, count: 50).operations
    // Which of several puts is left is decided by the list.
    operations.removeAll { operation in
      if case .put(_, key: ..<16, _, _, _) = operation { true } else { false }
    }
    operations.append(.flush)
    operations += [.scan(2, .from(3), .descending, keysOnly: true, at: 1)]
    var shrinker = Shrinker(simpler: \ModelOperation.simpler, fails: Self.fails)
    #expect(
      shrinker.shrunk(operations) == [
        .put(0, key: 16, .text(2_000, 0), .usual, .buffered), .flush,
        .scan(0, .all, .descending, keysOnly: false, at: nil),
      ])
  }

  private static func fails(_ operations: [ModelOperation]) -> Bool {
    var stage = 0
    for operation in operations {
      switch operation {
      case .put(_, _, let value, _, _) where stage == 0 && value.bytes.count >= 2_000: stage = 1
      case .flush where stage == 1: stage = 2
      case .scan(let keyspace, _, .descending, _, _) where stage == 2 && keyspace < 3: return true
      default: continue
      }
    }
    return false
  }

  @Test func whatIsSimplerNeverLeadsBack() {
    var random = SeededRandom(seed: 1)
    var generator = OperationGenerator(using: &random, hasBucket: true)
    for operation in (0..<200).map({ _ in generator.next() }) {
      var (current, steps) = (operation, 0)
      while let next = current.simpler.randomElement(using: &random), steps < 2_000 {
        (current, steps) = (next, steps + 1)
      }
      #expect(steps < 2_000, "\(operation)")
    }
  }
}
