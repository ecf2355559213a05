import VarveFormat
import VarvePlatform

/// The search in one block of 8 KiB: in the cache, and where every block comes from memory.
enum BlockPart {
  private static let blocks = 8_000

  static func measure(_ setting: Setting) throws -> [Line] {
    let keys = Keys(blocks * 64, ascending: true)
    let (block, perBlock) = build(keys)
    let bytes = AlignedBuffer(capacity: blocks * block.count)
    for index in 0..<blocks { block.withByteView { bytes.copy($0, to: index * block.count) } }
    var numbers = Numbers(seed: 8)
    let order = (0..<200_000).map { _ in numbers.below(blocks * perBlock) }
    func find(_ block: (Int, ByteView) -> ByteView) throws -> Double {
      try bytes.lend { bytes in
        try keys.lend { key in
          try time(rounds: setting.rounds, count: order.count) {
            for place in order {
              let key = key(place % perBlock)
              let block = try DataBlock(decoding: block(place, bytes), at: 0, isStoredRaw: true)
              let tag = UInt8(truncatingIfNeeded: XXH64.hash(of: key) >> 56)
              use(try block.find(key, tag: tag, at: .max) != nil)
            }
          }
        }
      }
    }
    let size = block.count
    let hit = try find { _, bytes in bytes.prefix(size) }
    let miss = try find { place, bytes in
      bytes.dropping(place / perBlock * size).prefix(size)
    }
    return [
      Line(
        part: "block", what: "find in a block in the cache", unit: .nanoseconds, value: hit,
        limit: setting.limits.cacheHit, limitName: "one load in the cache"),
      Line(
        part: "block", what: "find in a block in memory", unit: .nanoseconds, value: miss,
        limit: setting.limits.cacheMiss, limitName: "one cache miss"),
    ]
  }

  /// The bytes of a full block, and how many of the first keys are in it.
  private static func build(_ keys: Keys) -> (bytes: [UInt8], count: Int) {
    let builder = DataBlockBuilder()
    let value = halfCompressible(100)
    var count = 0
    value.withByteView { value in
      keys.lend { key in
        while count < keys.count {
          let entry = EntryView(
            key: key(count), sequence: SequenceNumber(1), kind: .put, value: value)
          let step = builder.follow(entry)
          guard builder.hasRoom(for: entry, step, limit: 8 << 10) else { return }
          builder.add(
            entry, step, tag: UInt8(truncatingIfNeeded: XXH64.hash(of: entry.key) >> 56))
          count += 1
        }
      }
    }
    return (builder.finish { $0.array }, count)
  }
}
