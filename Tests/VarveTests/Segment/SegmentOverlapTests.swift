import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// Forged indexes that lead to the same bytes again and again: these are read once, or a file of a few
/// megabytes would take days.
@Suite struct SegmentOverlapTests {
  /// What an examination is shown.
  private struct Shown: SegmentVisitor {
    var leaves: [UInt64] = []
    var blocks: [UInt64] = []
    var isDamaged = false

    mutating func visit(header: FileHeader) {}
    mutating func visit(footer: SegmentFooter) {}
    mutating func visit(properties: SegmentProperties, in section: SegmentSection) {}
    mutating func visit(filter: Filter, in section: SegmentSection) {}

    mutating func visit(node: IndexNode, at handle: BlockHandle?) {
      if let handle { leaves.append(handle.offset) }
    }

    mutating func visit(
      block: DataBlock, at handle: BlockHandle, item index: Int, of leaf: IndexNode
    ) { blocks.append(handle.offset) }

    mutating func damage(_ error: FormatError) { isDamaged = true }
  }

  /// Many blocks, the first of them large, below as many leaves as it takes.
  private static func segment(leafBytes: Int) throws -> SegmentForger {
    let entries = (0..<200).map { index in
      OwnedEntry(
        [0, 0, 0, 1] + Array("key \(1000 + index)".utf8), 1,
        value: [UInt8](repeating: UInt8(index), count: index == 0 ? 40_000 : 600))
    }
    let made = try SegmentFixture.write(
      entries, options: SegmentOptions(indexLeafBytes: leafBytes),
      policy: SegmentBlockPolicy(blockBytes: 1024, compression: .none))
    return try SegmentForger(made.file.bytes)
  }

  private static func check(_ forged: SegmentForger) throws -> Shown {
    var forged = forged
    forged.sign()
    let count = forged.bytes.count
    var (read, findings) = (0, 0)
    SegmentVerifier(
      FilePieces(file: BytesFile(forged.bytes), size: UInt64(count)), id: forged.id,
      decompressor: Decompressor(),
      progress: { bytes in
        read += Int(bytes)
        return true
      }, report: { _ in findings += 1 }
    ).run()
    #expect(findings > 0)
    #expect(read <= count + SegmentFooter.maximumByteCount)
    return forged.bytes.withByteView { bytes in
      var examination = SegmentExamination(bytes, visitor: Shown())
      examination.run()
      return examination.visitor
    }
  }

  /// Every second item cannot be decoded, so that nobody knows where the next block should be.
  @Test func blocks() throws {
    var forged = try Self.segment(leafBytes: 1 << 16)
    let first = try #require(forged.blocks.first)
    for (index, block) in forged.blocks.enumerated().dropFirst() {
      if index % 2 == 1 {
        forged.bytes[block.recordAt + 20] = 3
      } else {
        for at in 0..<20 {
          forged.bytes[block.recordAt + at] = forged.bytes[first.recordAt + at]
        }
      }
    }
    let shown = try Self.check(forged)
    #expect(shown.isDamaged && shown.blocks == [UInt64(first.offset)])
  }

  @Test func leaves() throws {
    var forged = try Self.segment(leafBytes: 256)
    let first = try #require(forged.leaves.first)
    #expect(forged.leaves.count > 10)
    for leaf in forged.leaves.dropFirst() {
      // All but where the separator ends.
      for at in 0..<32 where !(24..<28).contains(at) {
        forged.bytes[leaf.recordAt + at] = forged.bytes[first.recordAt + at]
      }
    }
    let shown = try Self.check(forged)
    #expect(shown.isDamaged && shown.leaves == [UInt64(first.offset)])
  }
}
