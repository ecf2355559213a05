import VarveFormat

@testable import Varve

/// Changes a segment and makes its checksums right again: damage that only the rules can see.
struct SegmentForger {
  /// Something that lies at `offset` and whose item or table entry stands at `recordAt`.
  struct Part {
    var recordAt: Int
    var offset: Int
    var count: Int

    var range: Range<Int> { offset..<(offset + count) }
  }

  var bytes: [UInt8]
  let id: FileID
  private(set) var blocks: [Part] = []
  private(set) var leaves: [Part] = []
  private(set) var sections: [UInt16: Part] = [:]
  let tableAt: Int

  init(_ sound: [UInt8], id: FileID = SegmentFixture.id) throws {
    bytes = sound
    self.id = id
    let footer = try sound.withByteView {
      try SegmentFooter(
        decoding: $0.dropping($0.count - SegmentFooter.maximumByteCount),
        fileSize: UInt64(sound.count), id: id)
    }
    tableAt =
      sound.count - SegmentFooter.tailByteCount
      - footer.sections.count * SegmentSection.byteCount
    for (index, section) in footer.sections.enumerated() {
      sections[section.type] = Part(
        recordAt: tableAt + 32 * index, offset: Int(section.offset), count: Int(section.length))
    }
    let segment = try SegmentFixture.open(BytesFile(sound), .mapped, id: id)
    for index in 0..<segment.top.count {
      let handle = try segment.top.handle(at: index)
      leaves.append(Self.part(handle, segment.top, index))
      let leaf = try segment.leaf(at: index)
      for item in 0..<leaf.count {
        blocks.append(Self.part(try leaf.handle(at: item), leaf, item))
      }
    }
  }

  private static func part(_ handle: BlockHandle, _ node: IndexNode, _ index: Int) -> Part {
    Part(
      recordAt: Int(node.base) + 16 + 8 * node.count + 32 * index, offset: Int(handle.offset),
      count: Int(handle.storedCount))
  }

  func section(_ kind: SegmentSection.Kind) -> Part? { sections[kind.rawValue] }

  subscript(number: Int, width: Int) -> UInt64 {
    get { (0..<width).reduce(0) { $0 | UInt64(bytes[number + $1]) << UInt64(8 * $1) } }
    set {
      for index in 0..<width {
        bytes[number + index] = UInt8(truncatingIfNeeded: newValue >> UInt64(8 * index))
      }
    }
  }

  /// Makes every checksum right, from the inside out. An item that was made to point elsewhere gets
  /// the checksum of what lies there.
  mutating func sign() {
    for part in blocks { sign(part, checksumAt: part.recordAt + 16, offsetAt: part.recordAt, 4) }
    for part in leaves { sign(part, checksumAt: part.recordAt + 16, offsetAt: part.recordAt, 4) }
    for kind in [SegmentSection.Kind.filter, .indexTop, .properties] {
      guard let part = section(kind) else { continue }
      sign(part, checksumAt: part.recordAt + 4, offsetAt: part.recordAt + 8, 8)
    }
    self[60, 4] = UInt64(checksum(Array(bytes[..<60])))
    let tail = bytes.count - 32
    self[tail + 12, 4] = 0
    self[tail + 12, 4] = UInt64(contextChecksum(tableAt..<bytes.count))
  }

  private mutating func sign(_ part: Part, checksumAt: Int, offsetAt: Int, _ width: Int) {
    let offset = Int(clamping: self[offsetAt, 8])
    let count = Int(clamping: self[offsetAt + 8, width])
    let isInside = offset <= bytes.count && count <= bytes.count - offset
    self[checksumAt, 4] = UInt64(
      contextChecksum(isInside ? offset..<(offset + count) : part.range))
  }

  private func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withByteView(CRC32C.checksum(of:)) }

  private func contextChecksum(_ range: Range<Int>) -> UInt32 {
    Array(bytes[range]).withByteView {
      CRC32C.checksum(of: $0, in: id, at: UInt64(range.lowerBound))
    }
  }
}
