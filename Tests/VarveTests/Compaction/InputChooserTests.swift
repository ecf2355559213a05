import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

/// That a choice takes no more steps than there are records, and is still the plain one.
@Suite("Input chooser")
struct InputChooserTests {
  private static let options = RandomLevels.options

  /// Compares a choice with the plain one in many states; it must have found something in some.
  private func compare(
    _ choice: (InputChooser) -> CompactionPlan?, _ plain: (PlainChoices) -> CompactionPlan?,
    _ location: SourceLocation = #_sourceLocation
  ) {
    var (found, missed) = (0, 0)
    for seed in 0..<3_000 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let state = RandomLevels.state(&random)
      let expected = plain(PlainChoices(state, Self.options))
      if choice(InputChooser(state, Self.options)) != expected {
        Issue.record("seed \(seed): not \(expected as Any)", sourceLocation: location)
        return
      }
      if expected == nil { missed += 1 } else { found += 1 }
    }
    #expect(found > 300 && missed > 100, "\(found), \(missed)", sourceLocation: location)
  }

  @Test func levelZeroIsChosenAsItsDescriptionSays() {
    compare({ $0.levelZero(.levelZero) }, { $0.levelZero(.levelZero) })
    compare(
      { $0.levelZero(.valueGarbage, relocating: [1_001]) },
      { $0.levelZero(.valueGarbage, relocating: [1_001]) })
  }

  /// Each of which overlaps the one after it, all from the smallest to the largest: where each was
  /// tried, and its neighbours found one by one, this took years.
  @Test func aChainInLevelZeroIsFollowedOnce() {
    let count = 20_000 as UInt32
    let chain = (0..<count).map { index in
      RandomLevels.record(UInt64(index) + 1, level: 0, 2 * index...2 * index + 2)
    }
    var state = RandomLevels.state(chain)
    let plan = InputChooser(state, Self.options).levelZero(.levelZero)
    #expect(plan?.segments.count == Int(count))
    state.unusable = [UInt64(count / 2)]
    #expect(InputChooser(state, Self.options).levelZero(.levelZero) == nil)
  }

  /// All of level 0 is tried once and not for each piece, though something below stands in its way.
  @Test func littlePiecesOfLevelZeroAreGatheredOnce() {
    let count = 20_000 as UInt32
    var segments = (0..<count).map { index in
      RandomLevels.record(UInt64(index) + 1, level: 0, 2 * index...2 * index, size: 32)
    }
    segments.append(RandomLevels.record(UInt64(count) + 1, level: 6, 0...2 * count))
    var state = RandomLevels.state(segments)
    #expect(
      InputChooser(state, Self.options).levelZero(.levelZero)?.segments.count == segments.count)
    state.unusable = [UInt64(count) + 1]
    #expect(InputChooser(state, Self.options).levelZero(.levelZero) == nil)
  }
}
