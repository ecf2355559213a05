import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite("Block compression")
struct CompressionTests {
  private static let policies: [Compression] = [
    .none, .lz4, .zstd(level: 1), .zstd(level: 9), .automatic,
  ]

  @Test("Every policy gives back what went in, at every size", arguments: policies)
  func roundTrip(_ policy: Compression) throws {
    var random = SeededRandom(seed: 0x5eed_1001)
    let compressor = BlockCompressor()
    let decompressor = Decompressor()
    var chooser = CodecChooser(policy)
    for count in [0, 1, 12, 63, 64, 65, 1000, 4096, 16_384, 65_535, 300_000, 2_000_000] {
      for bytes in [random.text(count), random.bytes(count), [UInt8](repeating: 7, count: count)] {
        try bytes.withByteView { view in
          let block = compressor.compress(view, with: &chooser)
          #expect(block.bytes.count <= view.count)
          let back = try decompressor.decompress(
            block.bytes, block.codec, fullCount: count, limit: count, at: 0)
          #expect(back.view() == view, "\(count) bytes as \(block.codec)")
        }
      }
    }
  }

  @Test("Bytes that would not shrink by a tenth are stored as they are", arguments: policies)
  func incompressible(_ policy: Compression) {
    var random = SeededRandom(seed: 0x5eed_1002)
    let compressor = BlockCompressor()
    var chooser = CodecChooser(policy)
    for _ in 0..<20 {
      random.bytes(16_384).withByteView { view in
        let block = compressor.compress(view, with: &chooser)
        #expect(block.codec == .none && block.bytes == view)
      }
    }
  }

  @Test("Equal input gives equal bytes, whatever the compressor did before")
  func deterministic() {
    func run(after junk: Int) -> [UInt8] {
      let compressor = BlockCompressor()
      var noise = SeededRandom(seed: 0x5eed_2000 + UInt64(junk))
      var other = CodecChooser(.automatic)
      for index in 0..<junk {
        let bytes = index % 2 == 0 ? noise.text(30_000) : noise.bytes(3000)
        bytes.withByteView { _ = compressor.compress($0, with: &other) }
      }
      var random = SeededRandom(seed: 0x5eed_1003)
      var chooser = CodecChooser(.automatic)
      var output: [UInt8] = []
      for index in 0..<60 {
        let count = Int(random.next() % 40_000)
        let bytes = index % 7 < 4 ? random.text(count) : random.bytes(count)
        bytes.withByteView { view in
          let block = compressor.compress(view, with: &chooser)
          output.append(block.codec.rawValue)
          output += block.bytes.array
        }
      }
      return output
    }
    let first = run(after: 0)
    #expect(first == run(after: 1))
    #expect(first == run(after: 25))
  }

  @Test("A compressor that changes levels gives what a fresh one gives at each")
  func levelsChange() {
    var random = SeededRandom(seed: 0x5eed_1006)
    let bytes = random.text(30_000)
    func compress(_ compressor: BlockCompressor, _ level: Int) -> [UInt8] {
      var chooser = CodecChooser(.zstd(level: level))
      return bytes.withByteView { compressor.compress($0, with: &chooser).bytes.array }
    }
    let levels = [1, 9, 1, 3, 19, 3]
    let fresh = levels.map { level in
      let compressor = BlockCompressor()
      return compress(compressor, level)
    }
    let kept = BlockCompressor()
    #expect(levels.map { compress(kept, $0) } == fresh)
    #expect(Set(fresh).count == 4)
  }

  @Test("What was chosen, and why, is counted")
  func counts() {
    var random = SeededRandom(seed: 0x5eed_1004)
    let compressor = BlockCompressor()
    var chooser = CodecChooser(.lz4)
    var counts = CompressionCounts()
    for bytes in [random.text(8192), random.text(8192), random.bytes(8192), random.text(20)] {
      bytes.withByteView { counts.add(compressor.compress($0, with: &chooser)) }
    }
    #expect(counts[.lz4].blocks == 2 && counts[.lz4].fullBytes == 16_384)
    #expect(counts[.lz4].storedBytes < 12_000)
    #expect(counts[.none].blocks == 2 && counts[.none].storedBytes == 8192 + 20)
    #expect(counts[.policy] == 2 && counts[.noGain] == 1 && counts[.small] == 1)
  }

  @Test("A level outside the range is refused")
  func levels() {
    #expect(throws: Never.self) { try Compression.zstd(level: 19).validate() }
    #expect(throws: StoreError.self) { try Compression.zstd(level: 0).validate() }
    #expect(throws: StoreError.self) { try Compression.zstd(level: 20).validate() }
  }

  @Test("A compressor does not keep the memory of an unusually large input")
  func memory() {
    let compressor = BlockCompressor()
    var chooser = CodecChooser(.lz4)
    var random = SeededRandom(seed: 0x5eed_1005)
    random.text(20 << 20).withByteView { _ = compressor.compress($0, with: &chooser) }
    random.text(4096).withByteView { _ = compressor.compress($0, with: &chooser) }
    #expect(compressor.memoryBytes < 1 << 20)
  }
}
