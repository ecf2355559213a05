import Testing
import VarveFormat

@testable import Varve

@Suite("Segment cutter")
struct SegmentCutterTests {
  static let options = CompactionOptions(segmentBytes: 4 << 20, flushBytes: 4 << 20)

  /// The positions at which entries of `bytes` each begin a new segment.
  static func cuts(
    _ keys: [[UInt8]], bytes: UInt64, grandparents: [SegmentRecord] = []
  ) -> [Int] {
    var cutter = SegmentCutter(grandparents: grandparents, options)
    var (held, cuts): (UInt64, [Int]) = (0, [])
    for (index, key) in keys.enumerated() {
      if key.withByteView({ cutter.cuts(before: $0, bytes: held) }) {
        cuts.append(index)
        held = 0
      }
      held += bytes
    }
    return cuts
  }

  static func key(_ keyspace: UInt8, _ number: Int) -> [UInt8] {
    [0, 0, 0, keyspace, UInt8(number >> 8), UInt8(number & 0xff)]
  }

  @Test func cutsWhereTheSizeIsReached() {
    let keys = (0..<20).map { Self.key(1, $0) }
    #expect(Self.cuts(keys, bytes: 1 << 20) == [4, 8, 12, 16])
  }

  @Test func cutsBeforeTheNextKeyWhereASegmentIsFull() {
    var cutter = SegmentCutter(grandparents: [], Self.options)
    let cuts = [0, 1, 1, 2, 3].map { number in
      Self.key(1, number).withByteView {
        cutter.cuts(before: $0, bytes: 100, isFull: number == 1 || number == 2)
      }
    }
    #expect(cuts == [false, true, false, true, false])
  }

  @Test func neverSeparatesVersionsOfAKey() {
    let keys = (0..<20).map { Self.key(1, $0 / 6) }
    #expect(Self.cuts(keys, bytes: 1 << 20) == [6, 12, 18])
  }

  @Test func cutsBehindALargeKeyspaceAndGathersSmallOnes() {
    // Keyspace 1 fills 1.5 MiB; 2 to 9 a quarter each; 10 two MiB after them, and 11 follows.
    var keys = (0..<6).map { Self.key(1, $0) }
    keys += (2...9).map { Self.key($0, 0) }
    keys += (0..<8).map { Self.key(10, $0) }
    keys += [Self.key(11, 0)]
    #expect(Self.cuts(keys, bytes: 256 << 10) == [6, 22])
  }

  @Test func cutsBeforeItOverlapsTooMuchOfTheLevelBelow() {
    let grandparents = (0..<100).map { number in
      SegmentRecord(
        number: UInt64(number + 1), id: .zero, level: 6, size: 4 << 20,
        smallestKey: Self.key(1, number * 10), largestKey: Self.key(1, number * 10 + 9),
        smallestSequence: .zero, largestSequence: .zero, entryCount: 1, rawBytes: 1)
    }
    let keys = (0..<100).map { Self.key(1, $0 * 10) }
    // Ten times the target may be passed over; the eleventh is too much.
    #expect(
      Self.cuts(keys, bytes: 1, grandparents: grandparents) == [11, 22, 33, 44, 55, 66, 77, 88, 99])
    // What lies before the first key does not count.
    #expect(
      Self.cuts([Self.key(1, 995), Self.key(1, 999)], bytes: 1, grandparents: grandparents) == [])
  }
}
