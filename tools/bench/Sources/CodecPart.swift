import Varve
import VarveFormat

/// Blocks of 8 KiB through the codecs and back.
enum CodecPart {
  static func measure(_ setting: Setting) throws -> [Line] {
    let block = (0..<80).flatMap { halfCompressible(102, seed: UInt64($0)) }
    let policies: [(String, Compression)] = [
      ("LZ4", .lz4), ("Zstandard", .zstd(level: 3)), ("automatic", .automatic),
    ]
    return try policies.flatMap { name, policy in
      let codec = MeasuredCodec(policy, largest: block.count)
      func line(_ what: String, _ nanoseconds: Double) -> Line {
        Line(
          part: "codec", what: "\(name), \(what)", unit: .megabytesPerSecond,
          value: Double(block.count) * 1_000 / nanoseconds, limit: setting.limits.copyCached,
          limitName: "copy in the cache")
      }
      return try block.withByteView { full in
        let times = 2_000
        let compressing = time(rounds: setting.rounds, count: times) {
          for _ in 0..<times { use(codec.compress(full).bytes.count) }
        }
        let (kind, view) = codec.compress(full)
        let stored = view.array
        let back = try stored.withByteView { stored in
          try time(rounds: setting.rounds, count: times) {
            for _ in 0..<times {
              try codec.decompress(stored, kind, fullCount: full.count)
            }
          }
        }
        return [line("compress", compressing), line("decompress", back)]
      }
    }
  }
}
