import VarveFormat
import VarveTestSupport

@testable import Varve

/// Levels as no store makes them and a forged manifest may: the records alone, at random.
enum RandomLevels {
  static let options = CompactionOptions(segmentBytes: 64, flushBytes: 64)

  static func record(
    _ number: UInt64, level: UInt8, _ keys: ClosedRange<UInt32>, size: UInt64 = 64,
    references: [ValueReference] = []
  ) -> SegmentRecord {
    SegmentRecord(
      number: number, id: .zero, level: level, size: size,
      smallestKey: SimulatedLevels.key(keys.lowerBound),
      largestKey: SimulatedLevels.key(keys.upperBound), smallestSequence: SequenceNumber(number),
      largestSequence: SequenceNumber(number), entryCount: 8, rawBytes: size,
      valueReferences: references)
  }

  static func state(
    _ segments: [SegmentRecord], valueFiles: [ValueFileRecord] = []
  ) -> CompactionState {
    CompactionState(
      segments: segments, valueFiles: valueFiles,
      rules: DropRules([ReadPoint(sequence: .max, time: 1)]))
  }

  /// A few segments in each level, some of them unusable; some inputs of a compaction at work.
  static func state(_ random: inout SeededRandom) -> CompactionState {
    var numbers = Array(1...100 as ClosedRange<UInt64>)
    var segments: [SegmentRecord] = []
    let width = 1 + random.below(80)
    for _ in 0..<random.below(14) {
      let start = random.below(300)
      let keys = UInt32(start)...UInt32(start + random.below(width))
      segments.append(record(numbers.removeFirst(), level: 0, keys, &random))
    }
    for level in (UInt8(1)...6).filter({ _ in random.oneIn(2) }) {
      var start = random.below(60)
      for _ in 0..<random.below(14) {
        let keys = UInt32(start)...UInt32(start + random.below(30))
        segments.append(record(numbers.removeFirst(), level: level, keys, &random))
        start = Int(keys.upperBound) + 1 + random.below(30)
      }
    }
    var state = state(segments, valueFiles: files(&random))
    let unusable = random.oneIn(2) ? segments.filter { _ in random.oneIn(8) } : []
    state.unusable = Set(unusable.map(\.number))
    if random.oneIn(2), let plan = CompactionPicker(options: options).plan(for: state) {
      state.running.append(plan)
    }
    state.openValueFiles = Set(state.valueFiles.map(\.number).filter { _ in random.oneIn(8) })
    state.freshValueFiles = Set(state.valueFiles.map(\.number).filter { _ in random.oneIn(2) })
    return state
  }

  private static let firstFile: UInt64 = 1_000

  private static func record(
    _ number: UInt64, level: UInt8, _ keys: ClosedRange<UInt32>, _ random: inout SeededRandom
  ) -> SegmentRecord {
    let isHeavy = random.oneIn(6)
    var references: [ValueReference] = []
    for file in 0..<8 as Range<UInt64> where random.oneIn(4) {
      let bytes = random.oneIn(9) ? 0 : UInt64(1 + random.below(isHeavy ? 900 : 90))
      references.append(ValueReference(file: firstFile + file, count: 1, bytes: bytes))
    }
    var record = record(
      number, level: level, keys, size: UInt64(isHeavy ? random.below(900) : random.below(90)),
      references: references)
    if random.oneIn(4) { record.keyCount = UInt64(1 + random.below(8)) }
    if random.oneIn(4) { record.deleteCount = UInt64(random.below(9)) }
    return record
  }

  private static func files(_ random: inout SeededRandom) -> [ValueFileRecord] {
    (0..<8 as Range<UInt64>).map { file in
      let bytes = UInt64(random.below(3_000))
      return ValueFileRecord(
        number: firstFile + file, id: .zero, size: bytes, valueCount: 1, valueBytes: bytes,
        isOrdered: random.oneIn(3))
    }
  }
}
