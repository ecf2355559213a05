import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// Mapped files are read page by page where they are touched. What is checked as a whole when it is
/// first touched is asked for as a whole, once: or each of its pages would be waited for.
@Suite struct FirstTouchTests {
  /// What was asked for since the last look.
  final class Asked: Sendable {
    private let ranges = Monitor<[Range<UInt64>]>([])

    func note(_ expectation: MappedFile.Expectation) {
      if case .soon(let range) = expectation { ranges.withLock { $0.append(range) } }
    }

    func take() -> [Range<UInt64>] {
      ranges.withLock { ranges in
        defer { ranges = [] }
        return ranges
      }
    }
  }

  private static func access() -> BlockAccess {
    BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 0))
  }

  /// A segment whose neighbours share much of their long keys, so that the top of its index takes pages.
  private static func open(
    _ asked: Asked, blockBytes: Int
  ) throws -> (OpenSegment, SegmentFooter, [OwnedEntry]) {
    let entries = (0..<1_500).map { index in
      OwnedEntry(
        [UInt8](repeating: UInt8(index / 20), count: 300) + Array("\(10_000 + index)".utf8), 1,
        value: [UInt8](repeating: UInt8(index % 256), count: 150))
    }
    let policy = SegmentBlockPolicy(blockBytes: blockBytes, compression: .none)
    let (file, _) = try SegmentFixture.write(
      entries, options: SegmentOptions(filterBitsPerKey: 32, indexLeafBytes: 512),
      policy: policy)
    let bytes = file.bytes
    let footer = try bytes.withByteView { view in
      try SegmentFooter(
        decoding: view.dropping(view.count - SegmentFooter.maximumByteCount),
        fileSize: UInt64(view.count), id: SegmentFixture.id)
    }
    let segment = try OpenSegment.open(
      file.map { asked.note($0) }, number: 1, id: SegmentFixture.id, access())
    return (segment, footer, entries)
  }

  @Test func aSegmentAsksForItsIndexFilterAndBlocksWhole() throws {
    let asked = Asked()
    let (segment, footer, entries) = try Self.open(asked, blockBytes: 16 << 10)
    let top = try footer.required(.indexTop)
    let properties = try footer.required(.properties)
    #expect(asked.take() == [top.offset..<properties.offset + properties.length])
    let key = entries[1_010].key
    let found = try SegmentFixture.find(key, 9, in: segment)
    #expect(found == entries[1_010])
    let filter = try #require(footer.section(.filter))
    let place = try #require(
      try key.withByteView { key throws(FormatError) in try segment.place(of: key, .max) })
    #expect(
      asked.take() == [
        filter.offset..<filter.offset + filter.length, place.handle.offset..<place.handle.end,
      ])
    // What was found good is not asked for again.
    #expect(try SegmentFixture.find(key, 9, in: segment) == entries[1_010])
    #expect(asked.take().isEmpty)
  }

  @Test func nothingIsAskedForABlockOfOnePage() throws {
    let asked = Asked()
    let (segment, _, entries) = try Self.open(asked, blockBytes: 4 << 10)
    _ = try SegmentFixture.find(entries[0].key, 9, in: segment)
    _ = asked.take()
    for index in stride(from: 100, to: 1_500, by: 50) {
      _ = try SegmentFixture.find(entries[index].key, 9, in: segment)
    }
    #expect(asked.take().isEmpty)
  }

  @Test func aValueOfPagesIsAskedForOnceAndASmallOneNever() throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      var random = SeededRandom(seed: 4)
      let values = [random.bytes(3_000), random.bytes(20_000), random.bytes(3_000)]
      let (record, pointers) = try ValueFixture.write(values, in: directory)
      let name = "\(FileName(.values, record.number))"
      let asked = Asked()
      let mapping = BytesFile(try readAll(name, in: directory), name: name)
        .map { asked.note($0) }
      let file = OpenValueFile(
        name, number: record.number, id: record.id, .mapping(mapping), .fixed(record.size),
        Self.access())
      for _ in 0..<2 {
        for (pointer, value) in zip(pointers, values) {
          #expect(try file.value(for: pointer).bytes.array == value)
        }
      }
      let header = UInt64(ValueRecord.headerBytes)
      #expect(asked.take() == [pointers[1].offset - header..<pointers[1].offset + 20_000])
    }
  }
}
