import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite struct SegmentReaderTests {
  private struct Made {
    var entries: [OwnedEntry]
    var summary: SegmentSummary
    var reader: SegmentReader
  }

  /// A segment in a directory of `kind`, and a reader that has not opened it.
  private func make(
    in directory: any Directory, _ mode: ReadMode, _ compression: Compression = .lz4,
    number: UInt64 = 18
  ) throws -> Made {
    let entries = randomEntries(seed: number)
    let file = try directory.create("\(FileName(.segment, number))")
    let writer = try SegmentWriter(
      to: file, id: SegmentFixture.id,
      policy: SegmentBlockPolicy(blockBytes: 1024, compression: compression))
    for entry in entries { try entry.withView { try writer.add($0) } }
    let summary = try writer.finish()
    try file.close()
    try directory.sync()
    let environment = SegmentEnvironment(
      directory: directory, mode: mode,
      blocks: BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 1 << 20)))
    let reader = SegmentReader(
      number: number, id: summary.id, size: summary.size, in: environment)
    return Made(entries: entries, summary: summary, reader: reader)
  }

  private func scan(_ cursor: SegmentCursor) throws -> [OwnedEntry] {
    var found: [OwnedEntry] = []
    try cursor.seekToFirst()
    while let entry = cursor.entry {
      found.append(OwnedEntry(entry))
      try cursor.next()
    }
    return found
  }

  @Test(arguments: FileSystemKind.allCases, ReadMode.allCases)
  func readsBackWhatWasWrittenToAFileSystem(_ kind: FileSystemKind, _ mode: ReadMode) throws {
    try kind.withDirectory { directory, _, _ in
      let made = try make(in: directory, mode)
      #expect(!made.reader.isOpen)
      for entry in made.entries.prefix(50) {
        let found = try entry.key.withByteView { key in
          try made.reader.find(
            key, hash: XXH64.hash(of: key), at: SequenceNumber(entry.sequence))
        }
        #expect(found?.value.array == entry.value)
        #expect(found?.kind == entry.kind)
      }
      #expect(made.reader.isOpen)
      #expect(try scan(made.reader.cursor()) == made.entries)
      #expect(try scan(made.reader.cursor(fillsCache: false)) == made.entries)
      var findings: [Finding] = []
      try made.reader.verify { findings.append($0) }
      #expect(findings == [])
    }
  }

  @Test(arguments: ReadMode.allCases)
  func aMissingOrShortFileIsAnErrorAndIsTriedAgain(_ mode: ReadMode) throws {
    try FileSystemKind.posix.withDirectory { directory, _, _ in
      let made = try make(in: directory, mode)
      let name = made.reader.name
      try directory.rename(name, to: "elsewhere")
      #expect(throws: StoreError.self) { try made.reader.cursor() }
      let short = try directory.create(name)
      try [1, 2, 3].withByteView { try short.write($0, at: 0) }
      let error = #expect(throws: StoreError.self) { try made.reader.cursor() }
      #expect(error?.code == .corrupted)
      try directory.remove(name)
      try directory.rename("elsewhere", to: name)
      #expect(try scan(made.reader.cursor()) == made.entries)
    }
  }

  @Test func theCheckStopsWhenItIsTold() throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      let made = try make(in: directory, .pread)
      var pieces = 0
      try made.reader.verify(progress: { _ in
        pieces += 1
        return pieces < 8
      }) { Issue.record("\($0)") }
      #expect(pieces == 8)
    }
  }

  @Test func approximateBytesFollowTheKeys() throws {
    try FileSystemKind.simulated.withDirectory { directory, _, _ in
      let made = try make(in: directory, .mapped, .none)
      let reader = made.reader
      let whole = try reader.approximateBytes(from: nil, to: nil)
      #expect(whole <= made.summary.size)
      #expect(whole >= made.summary.properties.storedBytes)
      let keys = made.entries.map(\.key)
      let middle = keys[keys.count / 2]
      try middle.withByteView { (middle: ByteView) throws in
        let left = try reader.approximateBytes(from: nil, to: middle)
        let right = try reader.approximateBytes(from: middle, to: nil)
        #expect(left + right == whole)
        #expect(left > 0 && right > 0)
        #expect(try reader.approximateBytes(from: middle, to: middle) == 0)
      }
      try [255].withByteView { (last: ByteView) throws in
        #expect(try reader.approximateBytes(from: last, to: nil) == 0)
        #expect(try reader.approximateBytes(from: nil, to: last) == whole)
      }
    }
  }

  @Test func manyThreadsOpenAndReadTheSameSegment() throws {
    try FileSystemKind.posix.withDirectory { directory, _, _ in
      let made = try make(in: directory, .mapped)
      let threads = try (0..<4).map { number in
        try WorkerThread(name: "reader \(number)") {
          for entry in made.entries {
            let found = try? entry.key.withByteView { key in
              try made.reader.find(
                key, hash: XXH64.hash(of: key), at: SequenceNumber(entry.sequence))
            }
            if found?.value.array != entry.value { Issue.record("\(entry)") }
          }
        }
      }
      for thread in threads { thread.join() }
    }
  }

  /// Blocks of a mapped segment are checked once; without a mapping, at each read from the file.
  @Test func damageThatComesLaterIsSeenByPlainReads() throws {
    let entries = SegmentDamageTests.entries()
    let bytes = try SegmentDamageTests.file(.none).bytes
    let file = BytesFile(bytes)
    let access = BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 0))
    let segment = try OpenSegment.open(
      FilePieces(file: file, size: UInt64(bytes.count)), number: 1, id: SegmentFixture.id, access)
    #expect(try SegmentFixture.find(entries[0].key, .max, in: segment) == entries[0])
    file.flip(byte: 70)
    #expect(throws: StoreError.self) {
      try SegmentFixture.find(entries[0].key, .max, in: segment)
    }
  }
}
