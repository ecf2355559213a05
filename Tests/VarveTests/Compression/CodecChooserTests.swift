import Testing
import VarveFormat

@testable import Varve

@Suite("Choosing a codec")
struct CodecChooserTests {
  @Test(
    "zstd must save 15 % more than lz4, and either a tenth of the block",
    arguments: [
      (1000, 1000, 1000, Codec.none), (1000, 901, 890, .none), (1000, 900, 890, .lz4),
      (1000, 1000, 851, .none), (1000, 1000, 850, .zstd), (1000, 500, 430, .lz4),
      (1000, 500, 425, .zstd), (1000, 1010, 900, .none), (1 << 30, 1 << 29, 1 << 28, .zstd),
    ])
  func rule(full: Int, lz4: Int, zstd: Int, expected: Codec) {
    #expect(CodecChooser(.automatic).choose(full: full, lz4: lz4, zstd: zstd) == expected)
  }

  @Test("Where data stays zstd is worth little, where it passes it is not tried")
  func byStay() {
    let lasting = CodecChooser(.automatic, zstdSaving: 5)
    #expect(lasting.choose(full: 1000, lz4: 500, zstd: 475) == .zstd)
    #expect(lasting.choose(full: 1000, lz4: 500, zstd: 476) == .lz4)
    #expect(lasting.choose(full: 1000, lz4: 1000, zstd: 940) == .none, "a tenth must be saved")
    var passing = CodecChooser(.automatic, zstdSaving: nil)
    #expect(passing.choose(full: 1000, lz4: 800, zstd: 100) == .lz4)
    var bytes = [UInt8](repeating: 7, count: 4000)
    for index in 0..<1000 { bytes[index] = UInt8(truncatingIfNeeded: index &* index) }
    let codec = bytes.withByteView { BlockCompressor().compress($0, with: &passing).codec }
    #expect(codec == .lz4)
  }

  @Test("A fixed policy never samples")
  func fixed() {
    var none = CodecChooser(.none)
    var lz4 = CodecChooser(.lz4)
    var zstd = CodecChooser(.zstd(level: 7))
    #expect(none.plan(for: 4096) == .store(.policy))
    #expect(lz4.plan(for: 4096) == .use(.lz4, .policy))
    #expect(zstd.plan(for: 4096) == .use(.zstd, .policy))
    #expect(zstd.zstdLevel == 7)
    #expect(lz4.plan(for: 63) == .store(.small))
  }

  @Test("Samples grow rare while they agree, and frequent when the data changes")
  func sampling() {
    var chooser = CodecChooser(.automatic)
    let steady = pattern(&chooser, blocks: 200, lz4: 500, zstd: 490)
    #expect(steady.filter { $0 == .sample }.count < 20)
    #expect(steady.suffix(100).filter { $0 == .sample }.count <= 4)
    #expect(steady.last == .use(.lz4, .history))
    let changed = pattern(&chooser, blocks: 100, lz4: 500, zstd: 300)
    #expect(changed.last == .use(.zstd, .history))
    let random = pattern(&chooser, blocks: 100, lz4: 1000, zstd: 1000)
    #expect(random.last == .store(.history))
  }

  @Test("A block that surprises by not shrinking makes the next one a sample")
  func surprise() {
    var chooser = CodecChooser(.automatic)
    _ = pattern(&chooser, blocks: 70, lz4: 500, zstd: 490)
    while chooser.plan(for: 1000) == .sample {
      _ = chooser.learn(full: 1000, lz4: 500, zstd: 490)
    }
    chooser.surprise()
    #expect(chooser.plan(for: 1000) == .sample)
  }

  private func pattern(
    _ chooser: inout CodecChooser, blocks: Int, lz4: Int, zstd: Int
  ) -> [CodecChooser.Plan] {
    (0..<blocks).map { _ in
      let plan = chooser.plan(for: 1000)
      if plan == .sample { _ = chooser.learn(full: 1000, lz4: lz4, zstd: zstd) }
      return plan
    }
  }
}
