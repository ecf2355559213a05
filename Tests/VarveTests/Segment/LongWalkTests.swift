import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// A long walk over blocks that cannot be lent in place leaves the cache to those who read the same
/// again and again, and takes from it what is there.
@Suite struct LongWalkTests {
  private static func segment(
    _ mode: ReadMode, _ compression: Compression, _ cache: BlockCache
  ) throws -> (OpenSegment, [OwnedEntry]) {
    let entries = (0..<3_000).map { index in
      OwnedEntry(
        Array("key \(10_000 + index)".utf8), 1, value: Array("the same again \(index % 7)".utf8))
    }
    let policy = SegmentBlockPolicy(blockBytes: 1 << 10, compression: compression)
    let (file, _) = try SegmentFixture.write(entries, policy: policy)
    let access = BlockAccess(decompressor: Decompressor(), cache: cache)
    let pieces = FilePieces(file: file, size: UInt64(file.bytes.count))
    let segment =
      switch mode {
      case .mapped:
        try OpenSegment.open(file.map(), number: 1, id: SegmentFixture.id, access)
      case .pread: try OpenSegment.open(pieces, number: 1, id: SegmentFixture.id, access)
      }
    return (segment, entries)
  }

  private static let ways: [(ReadMode, Compression)] = [
    (.mapped, .lz4), (.pread, .lz4), (.pread, .none),
  ]

  @Test(arguments: ways, [true, false])
  func onlyItsFirstBlocksStayInTheCache(
    _ way: (mode: ReadMode, compression: Compression), isForward: Bool
  ) throws {
    let cache = BlockCache(budget: 4 << 20)
    let (segment, entries) = try Self.segment(way.mode, way.compression, cache)
    #expect(segment.blockCount > 50)
    _ = try SegmentFixture.find(entries[1_500].key, 9, in: segment)
    #expect(cache.metrics.blocks == 1)
    let found =
      isForward ? try SegmentFixture.scan(segment) : try SegmentFixture.scanBackwards(segment)
    let isWhole = found == (isForward ? entries : entries.reversed())
    #expect(isWhole)
    let metrics = cache.metrics
    #expect(metrics.blocks == 3)
    // The block that was read before; those that were passed were not looked for in vain.
    #expect(metrics.hits == 1 && metrics.misses == 3)
  }

  @Test func aShortWalkAndAWalkAfterASeekUseTheCache() throws {
    let cache = BlockCache(budget: 4 << 20)
    let (segment, entries) = try Self.segment(.mapped, .lz4, cache)
    let cursor = SegmentCursor(segment)
    try cursor.seekToFirst()
    while cursor.entry != nil { try cursor.next() }
    let passed = cache.metrics.blocks
    for index in [1_000, 2_000] {
      try entries[index].key.withByteView { key throws(StoreError) in try cursor.seek(key, .max) }
      #expect(cursor.entry.map(OwnedEntry.init) == entries[index])
    }
    #expect(cache.metrics.blocks == passed + 2)
  }

  @Test func aWalkThatIsToldToLeavesTheCacheAlone() throws {
    let cache = BlockCache(budget: 4 << 20)
    let (segment, entries) = try Self.segment(.mapped, .lz4, cache)
    let cursor = SegmentCursor(segment, scratch: BlockScratch())
    var count = 0
    try cursor.seekToFirst()
    while let entry = cursor.entry {
      if OwnedEntry(entry) == entries[count] { count += 1 }
      try cursor.next()
    }
    #expect(count == entries.count)
    #expect(cache.metrics == BlockCache.Metrics())
  }
}
