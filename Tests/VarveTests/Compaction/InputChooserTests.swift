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
    least: Int = 300, _ location: SourceLocation = #_sourceLocation,
    _ choices: (CompactionState) -> (CompactionPlan?, plain: CompactionPlan?)
  ) {
    var (found, missed) = (0, 0)
    for seed in 0..<2_000 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let (plan, plain) = choices(RandomLevels.state(&random))
      if plan != plain {
        Issue.record("seed \(seed): not \(plain as Any)", sourceLocation: location)
        return
      }
      if plain == nil { missed += 1 } else { found += 1 }
    }
    #expect(found >= least && missed >= 10, "\(found), \(missed)", sourceLocation: location)
  }

  @Test func levelZeroIsChosenAsItsDescriptionSays() {
    for files in [[], [1_001]] as [Set<UInt64>] {
      compare { state in
        (
          InputChooser(state, Self.options).levelZero(.levelZero, relocating: files),
          PlainChoices(state, Self.options).levelZero(.levelZero, relocating: files)
        )
      }
    }
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

// MARK: - Other levels and values

extension InputChooserTests {
  @Test func aSegmentSinksAsItsDescriptionSays() {
    var random = SeededRandom(seed: 1)
    for atOnce in [false, true] {
      compare { state in
        let inputs = InputChooser(state, Self.options)
        let (level, index) = (1 + random.below(5), random.below(4))
        guard index < inputs.map.levels[level].count else { return (nil, nil) }
        return (
          inputs.sink(index, of: level, .size, atOnce: atOnce),
          PlainChoices(state, Self.options).sink(index, of: level, .size, atOnce: atOnce)
        )
      }
    }
  }

  @Test func valuesAreMovedAsTheDescriptionSays() {
    compare { state in
      let inputs = InputChooser(state, Self.options)
      let files = inputs.garbage.files(below: 95)
      return (
        inputs.valueGarbage(in: files, .valueGarbage),
        PlainChoices(state, Self.options).valueGarbage(in: files, .valueGarbage)
      )
    }
  }

  @Test func theLastLevelIsCleanedAsTheDescriptionSays() {
    compare { state in
      var state = state
      state.segments.removeAll { $0.level < 6 }
      // All of it, or only some of the segments, or only what some of the values need.
      let some: UInt64 = state.segments.count % 2 == 0 ? 1_003 : 50
      let firstOwnNumber = state.unusable.isEmpty ? 2_000 : some
      if firstOwnNumber == 1_003 {
        for index in state.segments.indices {
          state.segments[index].deleteCount = 0
          state.segments[index].keyCount = state.segments[index].entryCount
        }
      }
      return (
        FullCompaction(options: Self.options, firstOwnNumber: firstOwnNumber).next(state),
        PlainChoices(state, Self.options).nextInLastLevel(before: firstOwnNumber)
      )
    }
    compare { state in
      (
        InputChooser(state, Self.options).scatteredValues(before: 2_000),
        PlainChoices(state, Self.options).scatteredValues(before: 2_000)
      )
    }
  }
}

// MARK: - Very many

extension InputChooserTests {
  /// Neighbours without a gap in a level, whose sizes are next to nothing.
  private static func row(
    _ count: UInt32, level: UInt8, from first: UInt64 = 1, references: [ValueReference] = []
  ) -> [SegmentRecord] {
    (0..<count).map { index in
      RandomLevels.record(
        first + UInt64(index), level: level, 2 * index...2 * index + 1, size: 0,
        references: references)
    }
  }

  /// To add up all of a run for each neighbour took minutes.
  @Test func aRunIsMeasuredOnce() {
    let count = 60_000 as UInt32
    let options = Self.options
    var rows = Self.row(count, level: 5) + Self.row(count, level: 6, from: 100_000)
    let sunk = InputChooser(RandomLevels.state(rows), options)
      .sink(0, of: 5, .manual, atOnce: true)
    #expect(sunk?.segments.count == 2 * Int(count))
    let reference = ValueReference(file: 500_000, count: 1, bytes: 0)
    rows = Self.row(count, level: 6, references: [reference])
    for index in rows.indices { rows[index].deleteCount = 1 }
    let file = ValueFileRecord(
      number: 500_000, id: .zero, size: 90, valueCount: 1, valueBytes: 90)
    var state = RandomLevels.state(rows, valueFiles: [file])
    let cleaned = FullCompaction(options: options, firstOwnNumber: 100_000).next(state)
    #expect(cleaned?.segments.count == Int(count))
    state.freshValueFiles = [500_000]
    let laidOut = InputChooser(state, options).scatteredValues(before: 600_000)
    #expect(laidOut?.segments.count == Int(count))
  }

  /// One below that may not be read, and all above it are tried: each takes no neighbours along.
  @Test func whatCannotSinkIsNotMeasured() {
    let count = 20_000 as UInt32
    let below = RandomLevels.record(100_000, level: 6, 0...2 * count)
    var state = RandomLevels.state(Self.row(count, level: 5) + [below])
    state.unusable = [100_000]
    #expect(InputChooser(state, Self.options).level(5, .size) == nil)
  }

  /// Each file has users of its own, and level 0 cannot go: it is not tried for each.
  @Test func usersOfGarbageAreFoundOnce() {
    let count = 20_000 as UInt32
    var segments: [SegmentRecord] = []
    var files: [ValueFileRecord] = []
    for index in 0..<count {
      let number = 500_000 + UInt64(index)
      files.append(
        ValueFileRecord(number: number, id: .zero, size: 90, valueCount: 1, valueBytes: 90))
      segments.append(
        RandomLevels.record(
          1 + UInt64(index), level: 0, 2 * index...2 * index + 2,
          references: [ValueReference(file: number, count: 1, bytes: 1)]))
    }
    let one = ValueReference(file: files[0].number, count: 1, bytes: 1)
    segments += Self.row(count, level: 6, from: 100_000, references: [one])
    var state = RandomLevels.state(segments, valueFiles: files)
    let inputs = InputChooser(state, Self.options)
    let plan = inputs.valueGarbage(in: inputs.garbage.files(below: 95).reversed(), .valueGarbage)
    #expect(plan?.inputs[0].segments.count == Int(count))
    // Nothing may go.
    state.unusable = Set(segments.dropFirst(Int(count)).map(\.number)).union([2])
    let stuck = InputChooser(state, Self.options)
    #expect(stuck.valueGarbage(in: stuck.garbage.files(below: 95), .valueGarbage) == nil)
  }
}
