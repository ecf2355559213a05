import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// Compressed bytes are input: whatever they hold, they throw or give exactly what was declared.
@Suite("Decompression of hostile bytes")
struct DecompressorTests {
  private static let codecs: [Codec] = [.lz4, .zstd]

  private func compressed(_ bytes: [UInt8], _ codec: Codec) -> [UInt8] {
    var chooser = CodecChooser(codec == .lz4 ? .lz4 : .zstd(level: 3))
    let compressor = BlockCompressor()
    return bytes.withByteView { compressor.compress($0, with: &chooser).bytes.array }
  }

  private func decode(_ stored: [UInt8], _ codec: Codec, _ fullCount: Int, limit: Int = 1 << 20)
    throws(FormatError) -> [UInt8]
  {
    try stored.withByteView { view throws(FormatError) in
      let buffer = try Decompressor().decompress(
        view, codec, fullCount: fullCount, limit: limit, at: 4096)
      return buffer.view().array
    }
  }

  @Test("A declared length that is not the true one is refused", arguments: codecs)
  func wrongLength(_ codec: Codec) throws {
    var random = SeededRandom(seed: 0x5eed_1101)
    let full = random.text(5000)
    let stored = compressed(full, codec)
    #expect(try decode(stored, codec, 5000) == full)
    for count in [0, 1, 4999, 5001, 6000] {
      #expect(throws: FormatError.self) { try decode(stored, codec, count) }
    }
  }

  @Test("A length above the limit or beyond what the codec can make is refused before allocation")
  func limits() {
    let expected = FormatError(.compressedBytes, .limit("full length"), at: 4096)
    #expect(throws: expected) { try decode([1, 2, 3], .lz4, 1001, limit: 1000) }
    // Allocating any of these would end the process.
    #expect(throws: expected) { try decode([1, 2, 3], .lz4, 766, limit: .max) }
    #expect(throws: expected) { try decode([1, 2, 3], .lz4, 1 << 60, limit: .max) }
    #expect(throws: expected) { try decode([1, 2, 3], .zstd, 1 << 60, limit: .max) }
    #expect(throws: expected) { try decode([1, 2, 3], .none, 4, limit: .max) }
    #expect(throws: expected) { try decode([1, 2, 3], .none, -1, limit: .max) }
  }

  @Test("The largest expansions a codec can reach are accepted", arguments: codecs)
  func zeros(_ codec: Codec) throws {
    let full = [UInt8](repeating: 0, count: 16 << 20)
    let stored = compressed(full, codec)
    #expect(try decode(stored, codec, full.count, limit: full.count) == full)
  }

  @Test("Bytes behind the stream are refused", arguments: codecs)
  func excess(_ codec: Codec) {
    var random = SeededRandom(seed: 0x5eed_1102)
    let stored = compressed(random.text(3000), codec)
    #expect(throws: FormatError.self) { try decode(stored + [0], codec, 3000) }
    #expect(throws: FormatError.self) { try decode(stored + stored, codec, 3000) }
    #expect(throws: FormatError.self) { try decode(stored.dropLast(), codec, 3000) }
    #expect(throws: FormatError.self) { try decode([], codec, 3000) }
    // An empty skippable frame, which zstd would pass over in silence.
    let skippable: [UInt8] = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]
    #expect(throws: FormatError.self) { try decode(stored + skippable, codec, 3000) }
    #expect(throws: FormatError.self) { try decode(skippable + stored, codec, 3000) }
  }

  @Test("Damaged and random streams never write outside their buffer", arguments: codecs)
  func damage(_ codec: Codec) {
    var random = SeededRandom(seed: 0x5eed_1103)
    let decompressor = Decompressor()
    let good = compressed(random.text(4000), codec)
    let guarded = AlignedBuffer(capacity: 4096)
    for round in 0..<3000 {
      var stored = round % 3 == 0 ? random.bytes(Int(random.next() % 600)) : good
      for _ in 0...(random.next() % 3) where !stored.isEmpty {
        stored[Int(random.next() % UInt64(stored.count))] ^= UInt8(1 << (random.next() % 8))
      }
      guarded.copy(Self.sentinel, to: 4000)
      stored.withByteView { view in
        // An error is as good as bytes here: checksums decide what is right.
        try? decompressor.decompress(view, codec, fullCount: 4000, into: guarded, at: 0)
      }
      if guarded.view().dropping(4000) != Self.sentinel {
        Issue.record("round \(round) of seed \(random.seed) wrote past the end")
      }
    }
  }

  @Test("Threads share one decompressor")
  func threads() async {
    var random = SeededRandom(seed: 0x5eed_1104)
    let full = random.text(20_000)
    let stored = compressed(full, .zstd)
    let decompressor = Decompressor()
    let workers = (0..<4).map { index in
      try? WorkerThread(name: "reader \(index)") {
        for _ in 0..<100 {
          stored.withByteView { view in
            let back = try? decompressor.decompress(
              view, .zstd, fullCount: full.count, limit: full.count, at: 0)
            if back?.view().array != full { Issue.record("a thread read something else") }
          }
        }
      }
    }
    for worker in workers { worker?.join() }
    #expect(decompressor.memoryBytes > 0 && decompressor.memoryBytes < 8 << 20)
  }

  private static let sentinelBuffer: AlignedBuffer = {
    let buffer = AlignedBuffer(capacity: 96)
    [UInt8](repeating: 0xa5, count: 96).withByteView { buffer.copy($0) }
    return buffer
  }()
  private static var sentinel: ByteView { sentinelBuffer.view() }
}
