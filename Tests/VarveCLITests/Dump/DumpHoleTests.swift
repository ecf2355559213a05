import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import VarveCLI

/// Files of a terabyte, nearly all of it a hole, which costs whoever forges them nothing: what `varve dump`
/// says of them is short, and soon said.
@Suite("Dump of forged holes", .timeLimit(.minutes(1)))
struct DumpHoleTests {
  private static let length: UInt64 = 1 << 40
  private static let id = FileID(low: 5, high: 6)

  /// What is said of a file with these bytes at its beginning and its end.
  private static func dump(
    _ kind: FileName.Kind, _ head: [UInt8], end: [UInt8] = []
  ) throws -> [String] {
    try withTemporaryDirectory { path in
      let directory = try PosixFileSystem().openDirectory(at: path, create: true)
      let name = FileName(kind, 7).description
      let file = try directory.create(name)
      try file.truncate(to: length)
      try head.withByteView { try file.write($0, at: 0) }
      try end.withByteView { try file.write($0, at: length - UInt64(end.count)) }
      try file.close()
      let output = CapturedOutput()
      let writer = DumpWriter(output.output, .init(blocks: true, entries: true))
      try StoreDump(writer).run("\(path)/\(name)")
      let lines = try output.lines()
      #expect(lines.count < 20)
      return lines.filter { $0.contains("damage") }
    }
  }

  @Test("a segment whose blocks begin behind a hole")
  func segment() throws {
    let behind = Self.length - 1024
    let footer = SegmentFooter(sections: [
      SegmentSection(.dataBlocks, offset: behind, length: 64),
      SegmentSection(.indexLeaves, offset: behind + 64, length: 64),
      SegmentSection(.indexTop, offset: behind + 128, length: 64),
      SegmentSection(.properties, offset: behind + 192, length: 64),
    ])
    let count = SegmentFooter.tailByteCount + 4 * SegmentSection.byteCount
    let damage = try Self.dump(
      .segment, FileHeader(.segment, identity: Self.id).encoded(),
      end: footer.encoded(at: Self.length - UInt64(count), id: Self.id))
    #expect(damage.contains { $0.contains("0x00000040") }, "\(damage)")
  }

  @Test("a log, sound or flawed before the hole", arguments: [0, 1] as [UInt8])
  func log(_ first: UInt8) throws {
    let header = FileHeader(.log, number: 7, identity: FileID(low: 1, high: 0), storeTag: 2)
    let damage = try Self.dump(.log, header.encoded() + [first])
    #expect(damage.count == 1)
  }

  @Test("a value file of nothing, and one whose gap is the hole")
  func values() throws {
    let header = FileHeader(.values, identity: Self.id).encoded()
    #expect(try Self.dump(.values, header).isEmpty)
    var gap = ByteWriter()
    var end = ByteWriter()
    let start = UInt64(header.count)
    let endAt = Self.length - UInt64(ValueRecord.headerBytes)
    ValueRecord.gap(endAt - start - UInt64(ValueRecord.headerBytes))
      .encode(to: &gap, in: Self.id, at: start)
    ValueRecord.end(ValueFileCounts(values: 0, bytes: 0)).encode(to: &end, in: Self.id, at: endAt)
    #expect(try Self.dump(.values, header + gap.bytes, end: end.bytes).isEmpty)
  }

  @Test("a manifest, and one of another store than its header says", arguments: [5, 2] as [UInt64])
  func manifest(_ storeTag: UInt64) throws {
    let header = FileHeader(.manifest, number: 7, identity: Self.id, storeTag: storeTag).encoded()
    #expect(try Self.dump(.manifest, header).count == 1)
  }
}
