import Testing
import VarveTestSupport

@testable import Varve

/// Items sorted by their prefixes, against the sort of the library.
@Suite struct RunDigitsTests {
  private static func prefixes(_ shape: String) -> [UInt64] {
    var random = SeededRandom(seed: 11)
    return (0..<5_000).map { index in
      switch shape {
      case "random": random.next()
      case "equal": 7
      case "descending": UInt64(10_000 - index)
      // Each byte for itself decides.
      case "one byte": UInt64(random.below(256)) << UInt64(8 * (index % 8))
      default: random.next() & 0xff00_0000_00ff_00f0
      }
    }
  }

  @Test(arguments: ["random", "equal", "descending", "one byte", "some bytes"])
  func aPartIsSortedAndTheRestStays(_ shape: String) {
    let items = Self.prefixes(shape).enumerated().map {
      RunItem(prefix: $1, index: UInt32($0))
    }
    for range in [0..<5_000, 0..<1, 1_000..<4_000, 4_999..<5_000, 2_000..<2_000] {
      var expected = items
      // The library's sort is stable as well.
      expected[range].sort { $0.prefix < $1.prefix }
      var (sorted, spare) = (items, items)
      RunDigits.sort(&sorted, range, &spare)
      #expect(sorted.map(\.index) == expected.map(\.index))
      #expect(sorted.map(\.prefix) == expected.map(\.prefix))
    }
  }
}
