import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite struct SegmentWriterTests {
  private func write(_ entries: [OwnedEntry]) throws -> SegmentSummary {
    try SegmentFixture.write(entries).summary
  }

  private func code(_ entries: [OwnedEntry]) -> StoreError.Code? {
    #expect(throws: StoreError.self) { try write(entries) }?.code
  }

  @Test func entriesOutOfOrderAreRefused() {
    let a: [UInt8] = [0, 0, 0, 1, 97]
    #expect(code([OwnedEntry(a + [1], 5), OwnedEntry(a, 5)]) == .invalid)
    #expect(code([OwnedEntry(a, 5), OwnedEntry(a, 5)]) == .invalid)
    #expect(code([OwnedEntry(a, 5), OwnedEntry(a, 6)]) == .invalid)
    #expect(code([]) == .invalid)
  }

  @Test func entriesThatNoReaderWouldTakeAreRefused() {
    let key: [UInt8] = [0, 0, 0, 1]
    #expect(code([OwnedEntry(key, 5, .delete, value: [1])]) == .invalid)
    #expect(code([OwnedEntry(key, 5, .pointer, value: [1])]) == .invalid)
    let odd = [UInt8](repeating: 255, count: 32)
    #expect(code([OwnedEntry(key, 5, .pointer, value: odd)]) == .invalid)
    #expect(code([OwnedEntry(key, 5, .rangeDelete)]) == .invalid)
    #expect(code([OwnedEntry(key, 0)]) == .limit)
    #expect(code([OwnedEntry(key, 1 << 56)]) == .limit)
    let long = [UInt8](repeating: 1, count: Limits.engineKeyBytes + 1)
    #expect(code([OwnedEntry(long, 5)]) == .limit)
  }

  @Test(arguments: Layout.all)
  func equalInputMakesEqualBytes(_ layout: Layout) throws {
    let entries = randomEntries(seed: 21)
    let files = try (0..<2).map { _ in
      try SegmentFixture.write(entries, options: layout.options, policy: layout.policy).file.bytes
    }
    #expect(files[0] == files[1])
  }

  @Test func keysAndValuesOfAnySizeComeBack() throws {
    var random = SeededRandom(seed: 3)
    var entries: [OwnedEntry] = []
    let longest = random.bytes(Limits.engineKeyBytes - 1)
    for (index, count) in [0, 1, 255, 256, 65_000, 65_535, 65_536, 200_000].enumerated() {
      let value = random.bytes(count)
      entries.append(OwnedEntry([0, 0, 0, 1, UInt8(index)], 9, value: value))
      entries.append(OwnedEntry([0, 0, 0, 1, UInt8(index)], 8, .delete))
      entries.append(OwnedEntry([2, UInt8(index)], 7, expiry: .max, value: value))
    }
    // The longest keys, one after the other, that differ in their last byte only.
    entries += [0, 1, 255].map { OwnedEntry(longest + [$0], 1 << 55, value: [$0]) }
    entries += [OwnedEntry([], 1), OwnedEntry([0], 1), OwnedEntry([255], 3)]
    entries.sort(by: <)
    for policy in [
      SegmentBlockPolicy(compression: .none),
      SegmentBlockPolicy(blockBytes: 65_535, alignmentShift: 6, compression: .zstd(level: 1)),
    ] {
      let (file, summary) = try SegmentFixture.write(entries, policy: policy)
      for mode in ReadMode.allCases {
        let segment = try SegmentFixture.open(file, mode)
        #expect(try SegmentFixture.scan(segment) == entries)
        #expect(try SegmentFixture.scanBackwards(segment) == entries.reversed())
        for entry in entries {
          #expect(try SegmentFixture.find(entry.key, entry.sequence, in: segment) == entry)
        }
      }
      #expect(SegmentDamageTests.findings(file) == [])
      #expect(summary.properties.largestKey == entries.last?.key)
    }
  }

  @Test func versionsOfOneKeyMayFillManyBlocksAndLeaves() throws {
    let entries = (0..<3000).map { OwnedEntry([0, 0, 0, 1, 5], UInt64(9000 - 3 * $0)) }
    let (file, summary) = try SegmentFixture.write(
      entries, options: SegmentOptions(indexLeafBytes: 512),
      policy: SegmentBlockPolicy(blockBytes: 200, compression: .none))
    #expect(summary.properties.keyCount == 1)
    #expect(summary.properties.blockCount > 50)
    let segment = try SegmentFixture.open(file, .mapped)
    #expect(segment.top.count > 3)
    for entry in entries {
      for limit in [entry.sequence, entry.sequence + 1, entry.sequence + 2] {
        let found = try SegmentFixture.find(entry.key, limit, in: segment)
        if found != entry { Issue.record("at \(limit): \(String(describing: found))") }
      }
    }
    #expect(try SegmentFixture.find(entries[0].key, entries[2999].sequence - 1, in: segment) == nil)
    #expect(try SegmentFixture.scan(segment) == entries)
    #expect(SegmentDamageTests.findings(file) == [])
  }

  @Test func propertiesCountWhatWasWritten() throws {
    var writer = ByteWriter()
    ValuePointer(
      file: 9, offset: 64, storedCount: 50, fullCount: 70, checksum: 1, codec: .zstd
    ).encode(to: &writer)
    let properties = try write([
      OwnedEntry([1], 9, expiry: 77, value: [1, 2, 3]), OwnedEntry([1], 4, .delete),
      OwnedEntry([2], 3, .delete), OwnedEntry([3, 3], 20, .delete, expiry: 66),
      OwnedEntry([4], 5, .pointer, value: writer.bytes),
      OwnedEntry([5], 6, .pointer, value: writer.bytes), OwnedEntry([6], 7, .delete),
    ]).properties
    #expect(properties.entryCount == 7)
    #expect(properties.keyCount == 6)
    #expect(properties.deleteCount == 4)
    #expect(properties.longestDeleteRun == 3)
    #expect(properties.pointerCount == 2)
    #expect(properties.keyBytes == 8)
    #expect(properties.rawBytes == 8 + 3 + 64)
    #expect(properties.smallestSequence == SequenceNumber(3))
    #expect(properties.largestSequence == SequenceNumber(20))
    #expect(properties.expiringCount == 2)
    #expect(properties.earliestExpiry == 66)
    #expect(properties.latestExpiry == 77)
    #expect(properties.smallestKey == [1])
    #expect(properties.largestKey == [6])
    #expect(properties.valueReferences == [ValueReference(file: 9, count: 2, bytes: 100)])
    #expect(properties.blockCount == 1)
  }

  @Test func policiesMayChangeBetweenEntries() throws {
    let file = BytesFile()
    let writer = try SegmentWriter(to: file, id: SegmentFixture.id)
    let policies = [
      SegmentBlockPolicy(blockBytes: 256, alignmentShift: 6, compression: .none),
      SegmentBlockPolicy(blockBytes: 4096, compression: .zstd(level: 1)),
      SegmentBlockPolicy(blockBytes: 1000, alignmentShift: 3, compression: .lz4),
    ]
    let entries = (0..<900).map {
      OwnedEntry(
        [0, 0, 0, 1, UInt8($0 >> 8), UInt8($0 & 255)], 5,
        value: [UInt8](repeating: UInt8($0 & 255), count: 40))
    }
    for (index, entry) in entries.enumerated() {
      try writer.use(policies[index / 50 % 3])
      try entry.withView { try writer.add($0) }
    }
    let summary = try writer.finish()
    #expect(!summary.properties.codecBlocks.contains(0))
    for mode in ReadMode.allCases {
      #expect(try SegmentFixture.scan(try SegmentFixture.open(file, mode)) == entries)
    }
    #expect(SegmentDamageTests.findings(file) == [])
  }

  @Test(arguments: [Compression.none, .lz4, .zstd(level: 1)], ReadMode.allCases)
  func valuesAreLentAligned(_ compression: Compression, _ mode: ReadMode) throws {
    for shift in UInt8(0)...6 {
      let entries = (0..<200).map { number in
        OwnedEntry(
          Array("\0\0\0\u{1}vector \(number * 7919 % 1000)/\(number)".utf8), UInt64(number + 1),
          value: [UInt8](repeating: 7, count: [0, 1, 1536, 400][number % 4]))
      }.sorted(by: <)
      let (file, _) = try SegmentFixture.write(
        entries,
        policy: SegmentBlockPolicy(
          blockBytes: 3000, alignmentShift: shift, compression: compression))
      let segment = try SegmentFixture.open(file, mode)
      let cursor = SegmentCursor(segment)
      try cursor.seekToFirst()
      while let entry = cursor.entry {
        let address = unsafe UInt(bitPattern: entry.value.start)
        let isAligned = entry.value.isEmpty || address & ((1 << UInt(shift)) - 1) == 0
        if !isAligned { Issue.record("\(shift): a value of \(entry.value.count) bytes") }
        try cursor.next()
      }
    }
  }
}
