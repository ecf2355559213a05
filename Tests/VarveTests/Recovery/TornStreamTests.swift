import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// What a power cut leaves of a stream of values that were stored into warm ranges: any page of them may
/// hold zeros, and zeros follow them up to the end of the range.
@Suite struct TornStreamTests {
  private static let count = 3_000

  private static func value(_ index: Int) -> [UInt8] {
    var random = SeededRandom(seed: UInt64(index) &+ 0x5eed_4100)
    return random.bytes(1_500 + random.below(1_500))
  }

  @Test func aTornPageEndsWhatIsBelievedAndNothingBeforeIt() throws {
    try FileSystemKind.posix.withTestedStore { tested in
      let store = try tested.open()
      for index in 0..<Self.count {
        try store.put("\(10_000 + index)", Self.value(index), .buffered)
      }
      let files = try tested.files()
      let name = try #require(try tested.names(.values).first)
      var random = SeededRandom(seed: 0x5eed_4101)
      for round in 0..<4 {
        var torn = files
        // All of it is there, or one page is not, of those that were stored into.
        if round > 0 {
          let page = (2 << 20) + 4096 * random.below(600)
          torn[name]?.replaceSubrange(page..<page + 4096, with: repeatElement(0, count: 4096))
        }
        let found = try Self.recovered(torn)
        for (index, value) in found.enumerated() {
          let isRight = value == Self.value(index)
          #expect(isRight, "entry \(index)")
        }
        if round == 0 {
          #expect(found.count == Self.count)
        } else {
          #expect((700..<Self.count).contains(found.count))
        }
      }
      withExtendedLifetime(store) {}
    }
  }

  /// The values that a store of these files holds, in the order of their keys, which have no gap.
  private static func recovered(_ files: [String: [UInt8]]) throws -> [[UInt8]] {
    try FileSystemKind.posix.withTestedStore { image in
      for (name, bytes) in files { try image.replace(name, bytes) }
      let content = try image.reopenedContent()
      #expect(try image.findings().isEmpty)
      return try content.keys.sorted().enumerated().map { index, key in
        #expect(key == "\(10_000 + index)")
        return try #require(content[key])
      }
    }
  }
}
