import VarveFormat
import VarvePlatform

/// Checksums of records, blocks and large values, and the hash of a key.
enum ChecksumPart {
  static func measure(_ setting: Setting) -> [Line] {
    let bytes = AlignedBuffer.filled(1 << 20)
    func rate(_ count: Int, _ sum: (ByteView) -> Void) -> Double {
      let times = (64 << 20) / count
      let nanoseconds = bytes.lend { bytes in
        time(rounds: setting.rounds, count: times) {
          for _ in 0..<times { sum(bytes.prefix(count)) }
        }
      }
      return Double(count) * 1_000 / nanoseconds
    }
    let copy = setting.limits.copyCached
    var lines = [(136, "a record of 136 bytes"), (8 << 10, "a block of 8 KiB"), (1 << 20, "1 MiB")]
      .map { count, name in
        Line(
          part: "checksum", what: "CRC-32C of \(name)", unit: .megabytesPerSecond,
          value: rate(count) { use(CRC32C.checksum(of: $0)) }, limit: copy,
          limitName: "copy in the cache")
      }
    let keys = Keys(1_000)
    let hash = keys.lend { key in
      time(rounds: setting.rounds, count: 1_000_000) {
        for index in 0..<1_000_000 { use(XXH64.hash(of: key(index % 1_000))) }
      }
    }
    lines.append(
      Line(
        part: "checksum", what: "XXH64 of a key", unit: .nanoseconds, value: hash,
        limit: setting.limits.cacheHit, limitName: "one load in the cache"))
    return lines
  }
}
