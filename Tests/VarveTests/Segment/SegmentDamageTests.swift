import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// What a segment shows to a reader: all that is compared before and after damage.
private struct Reading: Equatable {
  var forwards: [OwnedEntry] = []
  var backwards: [OwnedEntry] = []
  var points: [OwnedEntry?] = []
}

@Suite struct SegmentDamageTests {
  /// Small but whole: two leaves, four kinds of block, versions of one key in two blocks.
  static func entries() -> [OwnedEntry] {
    var entries: [OwnedEntry] = []
    for number in 0..<24 {
      let key = Array("\0\0\0\u{1}key-\(number + 10)".utf8)
      entries.append(OwnedEntry(key, UInt64(100 + number), value: Array("value \(number)".utf8)))
    }
    entries[3].kind = .delete
    entries[3].value = []
    entries[4].expiry = 1_700_000_000_000
    entries += (0..<9).map { OwnedEntry(entries[20].key, UInt64(50 - $0), value: [UInt8($0)]) }
    entries.append(
      OwnedEntry([0, 0, 0, 2], 7, value: [UInt8](repeating: 65, count: 300)))
    return entries.sorted(by: <)
  }

  static func file(_ compression: Compression) throws -> BytesFile {
    try SegmentFixture.write(
      entries(), options: SegmentOptions(indexLeafBytes: 512),
      policy: SegmentBlockPolicy(blockBytes: 128, alignmentShift: 4, compression: compression)
    ).file
  }

  private static func read(_ file: BytesFile, _ mode: ReadMode) throws -> Reading {
    let segment = try SegmentFixture.open(file, mode)
    var reading = Reading()
    reading.forwards = try SegmentFixture.scan(segment)
    reading.backwards = try SegmentFixture.scanBackwards(segment)
    for entry in entries() {
      reading.points.append(try SegmentFixture.find(entry.key, entry.sequence, in: segment))
      reading.points.append(try SegmentFixture.find(entry.key + [0], entry.sequence, in: segment))
    }
    return reading
  }

  static func findings(_ file: BytesFile, size: Int? = nil) -> [Finding] {
    var findings: [Finding] = []
    SegmentVerifier(
      FilePieces(file: file, size: UInt64(size ?? file.bytes.count)), id: SegmentFixture.id,
      decompressor: Decompressor()
    ) { findings.append($0) }.run()
    return findings
  }

  @Test(arguments: [Compression.none, .lz4, .zstd(level: 1)])
  func aSoundSegmentHasNoFindings(_ compression: Compression) throws {
    let file = try Self.file(compression)
    #expect(Self.findings(file) == [])
    for mode in ReadMode.allCases {
      let reading = try Self.read(file, mode)
      #expect(reading.forwards == Self.entries())
    }
  }

  /// Flips a bit or two of every byte. A reader must fail or be unharmed, and unharmed it may be only where the bit
  /// lies in padding, which the deep check then reports.
  @Test(arguments: [Compression.none, .lz4], ReadMode.allCases)
  func aFlippedBitInAnyByteIsDetected(_ compression: Compression, _ mode: ReadMode) throws {
    let sound = try Self.file(compression).bytes
    let expected = try Self.read(BytesFile(sound), mode)
    let padding = try Self.padding(of: BytesFile(sound))
    var unread = 0
    // One at least of each byte: all of them is for tools/soak sweep.
    let bits = stride(from: 0, to: sound.count * 8, by: 7)
    for bit in bits {
      var bytes = sound
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let file = BytesFile(bytes)
      do {
        let reading = try Self.read(file, mode)
        unread += 1
        #expect(reading == expected, "bit \(bit) changed what is read")
        #expect(padding.contains(bit / 8), "bit \(bit) lies outside of padding")
        #expect(!Self.findings(file).isEmpty, "bit \(bit) escapes the deep check")
      } catch let error as StoreError {
        if error.code != .corrupted, error.code != .incompatible || bit / 8 >= 64 {
          Issue.record("bit \(bit): \(error)")
        }
        if error.offset == nil || error.structure == nil { Issue.record("bit \(bit): \(error)") }
        if mode == .pread, Self.findings(file).isEmpty {
          Issue.record("byte \(bit / 8) escapes the deep check")
        }
      }
    }
    #expect(unread == bits.count { padding.contains($0 / 8) })
  }

  /// The offsets of bytes between blocks, leaves and sections.
  private static func padding(of file: BytesFile) throws -> Set<Int> {
    let bytes = file.bytes
    var used: [Range<UInt64>] = [0..<64]
    let footer = try bytes.withByteView {
      try SegmentFooter(
        decoding: $0.dropping($0.count - SegmentFooter.maximumByteCount),
        fileSize: UInt64(bytes.count), id: SegmentFixture.id)
    }
    for section in footer.sections where section.kind?.isCheckedInParts == false {
      used.append(section.offset..<section.end)
    }
    let table = SegmentFooter.tailByteCount + footer.sections.count * SegmentSection.byteCount
    used.append(UInt64(bytes.count - table)..<UInt64(bytes.count))
    let segment = try SegmentFixture.open(file, .mapped)
    for index in 0..<segment.top.count {
      let handle = try segment.top.handle(at: index)
      used.append(handle.offset..<handle.end)
      let leaf = try segment.leaf(at: index)
      for item in 0..<leaf.count {
        let block = try leaf.handle(at: item)
        used.append(block.offset..<block.end)
      }
    }
    return Set(bytes.indices.filter { at in !used.contains { $0.contains(UInt64(at)) } })
  }

  @Test func everyTruncationIsDetectedAtOpening() throws {
    let sound = try Self.file(.none).bytes
    for count in sound.indices {
      let cut = BytesFile(Array(sound[..<count]))
      for mode in ReadMode.allCases {
        #expect(throws: StoreError.self, "cut to \(count)") {
          try SegmentFixture.open(cut, mode)
        }
      }
      if Self.findings(cut).isEmpty { Issue.record("cut to \(count) escapes the deep check") }
      if Self.findings(cut, size: sound.count).isEmpty {
        Issue.record("cut to \(count) escapes the deep check with the size known")
      }
    }
  }

  /// Even a second whole segment behind the first: its footer knows its own length.
  @Test func appendedBytesAreDetectedAtOpening() throws {
    let sound = try Self.file(.none).bytes
    for tail in [[0], [UInt8](repeating: 0, count: 64), sound] {
      let file = BytesFile(sound + tail)
      for mode in ReadMode.allCases {
        #expect(throws: StoreError.self) { try SegmentFixture.open(file, mode) }
      }
      #expect(!Self.findings(file).isEmpty)
    }
  }

  /// Blocks of equal length, each valid: only the context in the checksum tells them apart.
  @Test func swappedStaleAndForeignBlocksAreDetected() throws {
    let entries = (0..<8).map { OwnedEntry([0, 0, 0, UInt8($0)], 1, value: [UInt8($0), 2, 3]) }
    let policy = SegmentBlockPolicy(blockBytes: 0, compression: .none)
    let sound = try SegmentFixture.write(entries, policy: policy).file
    let segment = try SegmentFixture.open(sound, .mapped)
    let leaf = try segment.leaf(at: 0)
    let first = try leaf.handle(at: 0)
    let second = try leaf.handle(at: 1)
    let a = Int(first.offset)..<Int(first.end)
    let b = Int(second.offset)..<Int(second.end)
    var swapped = sound.bytes
    swapped.replaceSubrange(a, with: sound.bytes[b])
    swapped.replaceSubrange(b, with: sound.bytes[a])
    let other = try SegmentFixture.write(
      entries, id: FileID(low: 1, high: 2), policy: policy
    ).file
    var foreign = sound.bytes
    foreign.replaceSubrange(a, with: other.bytes[a])
    #expect(foreign == sound.bytes, "a block itself does not name its segment")
    let damaged = try SegmentFixture.open(BytesFile(swapped), .mapped)
    let error = #expect(throws: StoreError.self) { try SegmentFixture.scan(damaged) }
    #expect(error?.structure == "data block")
    #expect(error?.offset == first.offset)
    // The same entries under another identity share no checksum, so no part can be carried over.
    #expect(throws: StoreError.self) {
      try SegmentFixture.open(sound, .mapped, id: FileID(low: 1, high: 2))
    }
  }

  @Test func damageToOneBlockLeavesTheOthersReadable() throws {
    let file = try Self.file(.none)
    let segment = try SegmentFixture.open(file, .mapped)
    let handle = try segment.leaf(at: 0).handle(at: 1)
    var bytes = file.bytes
    bytes[Int(handle.offset) + 3] ^= 0x80
    let damaged = try SegmentFixture.open(BytesFile(bytes), .mapped)
    var readable = 0
    for entry in Self.entries() {
      do {
        #expect(try SegmentFixture.find(entry.key, entry.sequence, in: damaged) == entry)
        readable += 1
      } catch let error as StoreError {
        #expect(error.offset == handle.offset)
      }
    }
    #expect(readable == Self.entries().count - Int(handle.itemCount))
    let findings = Self.findings(BytesFile(bytes))
    #expect(findings.count == 1)
    #expect(findings.first?.offset == handle.offset)
    #expect(findings.first?.structure == "data block")
  }

  /// The deep check goes on: damage in five places gives five findings.
  @Test func everyDamagedPlaceIsReported() throws {
    let file = try Self.file(.none)
    let segment = try SegmentFixture.open(file, .mapped)
    let first = try segment.leaf(at: 0).handle(at: 0)
    let fifth = try segment.leaf(at: 0).handle(at: 4)
    let lastLeaf = try segment.top.handle(at: segment.top.count - 1)
    var bytes = file.bytes
    for offset in [8, first.offset + 1, fifth.offset + 1, lastLeaf.offset + 20] {
      bytes[Int(offset)] ^= 1
    }
    let structures = Self.findings(BytesFile(bytes)).map(\.structure)
    #expect(structures == ["file header", "data block", "data block", "block index"])
  }
}
