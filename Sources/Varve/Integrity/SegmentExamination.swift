package import VarveFormat
import VarvePlatform

/// Walks a whole segment, damaged or not, and tells a visitor everything.
///
/// ```
/// header  data blocks  filter  leaves  top  properties  footer
///   1          6          4       5      5       3        2      the order of reading
/// ```
///
/// Where a reader stops at the first flaw, an examination notes it and goes on: a broken block does
/// not hide the next one, only a broken footer, top or leaf hides what it leads to. Bytes that
/// belong to nothing must be zero, so that none is left unexamined.
package struct SegmentExamination<Visitor: SegmentVisitor> {
  private let file: ByteView
  package var visitor: Visitor
  private let decompressor = Decompressor()
  private var id = FileID.zero
  /// Where the last block ended, to see what lies between them; nil behind one that was not found.
  private var blocksEnd: UInt64?
  /// Where the last leaf and the last block ended that were read. What lies before is not read again, or
  /// the time it takes would grow with the square of a forged file.
  private var leavesRead: UInt64 = 0
  private var blocksRead: UInt64 = 0

  package init(_ file: ByteView, visitor: Visitor) {
    self.file = file
    self.visitor = visitor
  }

  /// Walks the file once.
  package mutating func run() {
    readHeader()
    guard let footer = readFooter() else { return }
    checkGaps(footer)
    readProperties(footer)
    readFilter(footer)
    readIndex(footer)
  }

  /// Runs `body`; an error becomes damage and nil.
  private mutating func attempt<Result>(
    _ body: () throws(FormatError) -> Result
  ) -> Result? {
    do throws(FormatError) { return try body() } catch {
      visitor.damage(error)
      return nil
    }
  }
}

// MARK: - Outline

extension SegmentExamination {
  /// A header that does not verify may still hold the right identity, which all other checksums
  /// prove or refute.
  private mutating func readHeader() {
    let file = file
    if let header = attempt({ () throws(FormatError) in
      try FileHeader(decoding: file, as: .segment)
    }) {
      id = header.identity
      visitor.visit(header: header)
    } else if let low = file.uint64(at: 32), let high = file.uint64(at: 40) {
      id = FileID(low: low, high: high)
    }
  }

  private mutating func readFooter() -> SegmentFooter? {
    let (file, id) = (file, id)
    let end = file.dropping(file.count &- SegmentFooter.maximumByteCount)
    let footer = attempt { () throws(FormatError) in
      try SegmentFooter(decoding: end, fileSize: UInt64(file.count), id: id)
    }
    if let footer { visitor.visit(footer: footer) }
    return footer
  }

  /// Between sections there are only zeros. Sections ascend and lie in the file: the footer's
  /// decoder made sure.
  private mutating func checkGaps(_ footer: SegmentFooter) {
    var end = UInt64(FileHeader.byteCount)
    for section in footer.sections {
      checkZeros(from: end, to: section.offset, .footer)
      end = section.end
    }
  }

  private mutating func checkZeros(
    from start: UInt64, to end: UInt64, _ structure: FormatError.Structure
  ) {
    let file = file
    guard start < end else { return }
    guard end &- start < 64 else {
      return visitor.damage(FormatError(structure, .excess, at: start))
    }
    guard let first = Int(exactly: start), let gap = Int(exactly: end &- start),
      let bytes = file.part(at: first, count: gap)
    else { return }
    for index in 0..<bytes.count where bytes.byte(at: index) != 0 {
      visitor.damage(FormatError(structure, .value("padding"), at: start &+ UInt64(index)))
      return
    }
  }

  /// The bytes of a section whose checksum stands in the footer.
  private func checked(
    _ section: SegmentSection, _ structure: FormatError.Structure
  ) throws(FormatError) -> ByteView {
    let bytes = try part(at: section.offset, section.length, structure)
    let computed = CRC32C.checksum(of: bytes, in: id, at: section.offset)
    guard computed == section.checksum else {
      throw FormatError(
        structure, .checksum(stored: section.checksum, computed: computed), at: section.offset)
    }
    return bytes
  }

  private func part(
    at offset: UInt64, _ count: UInt64, _ structure: FormatError.Structure
  ) throws(FormatError) -> ByteView {
    guard let start = Int(exactly: offset), let count = Int(exactly: count),
      let bytes = file.part(at: start, count: count)
    else { throw FormatError(structure, .truncated, at: offset) }
    return bytes
  }
}

// MARK: - Properties and filter

extension SegmentExamination {
  private mutating func readProperties(_ footer: SegmentFooter) {
    guard let section = footer.section(.properties) else { return }
    let this = self
    if let properties = attempt({ () throws(FormatError) in
      try SegmentProperties(decoding: this.checked(section, .properties), at: section.offset)
    }) {
      visitor.visit(properties: properties, in: section)
    }
  }

  private mutating func readFilter(_ footer: SegmentFooter) {
    guard let section = footer.section(.filter) else { return }
    let this = self
    if let filter = attempt({ () throws(FormatError) in
      try Filter(decoding: this.checked(section, .filter), at: section.offset)
    }) {
      visitor.visit(filter: filter, in: section)
    }
  }
}

// MARK: - Index and blocks

extension SegmentExamination {
  private mutating func readIndex(_ footer: SegmentFooter) {
    guard let section = footer.section(.indexTop), let leaves = footer.section(.indexLeaves),
      let blocks = footer.section(.dataBlocks)
    else { return }
    let this = self
    guard
      let top = attempt({ () throws(FormatError) in
        try IndexNode(decoding: this.checked(section, .blockIndex), .top, at: section.offset)
      })
    else { return }
    visitor.visit(node: top, at: nil)
    blocksEnd = blocks.offset
    for index in 0..<top.count {
      guard let leaf = readLeaf(index, of: top, in: leaves) else {
        blocksEnd = nil
        continue
      }
      for item in 0..<leaf.count { readBlock(item, of: leaf, in: blocks) }
    }
    if let blocksEnd { checkZeros(from: blocksEnd, to: blocks.end, .dataBlock) }
  }

  private mutating func readLeaf(
    _ index: Int, of top: IndexNode, in section: SegmentSection
  ) -> IndexNode? {
    let this = self
    let handle = attempt { () throws(FormatError) in
      _ = try top.separator(at: index)
      let handle = try top.handle(at: index)
      try this.check(handle, of: top, in: section, behind: this.leavesRead)
      return handle
    }
    guard let handle else { return nil }
    leavesRead = handle.end
    let leaf = attempt { () throws(FormatError) in
      let bytes = try this.stored(handle, .blockIndex)
      let leaf = try IndexNode(decoding: bytes, .leaf, at: handle.offset)
      guard leaf.count == Int(handle.itemCount), leaf.firstNumber == handle.number else {
        throw FormatError(.blockIndex, .value("item count"), at: handle.offset)
      }
      return leaf
    }
    guard let leaf else { return nil }
    visitor.visit(node: leaf, at: handle)
    return leaf
  }

  private mutating func readBlock(
    _ index: Int, of leaf: IndexNode, in section: SegmentSection
  ) {
    let this = self
    guard
      let handle = attempt({ () throws(FormatError) in
        _ = try leaf.separator(at: index)
        let handle = try leaf.handle(at: index)
        try this.check(handle, of: leaf, in: section, behind: this.blocksRead)
        return handle
      })
    else {
      blocksEnd = nil
      return
    }
    if let blocksEnd { checkZeros(from: blocksEnd, to: handle.offset, .dataBlock) }
    blocksEnd = handle.end
    blocksRead = handle.end
    var owner: AlignedBuffer?
    let block = attempt { () throws(FormatError) in
      try this.block(handle, &owner)
    }
    // The buffer of a compressed block lives as long as the visit.
    withExtendedLifetime(owner) {
      if let block { visitor.visit(block: block, at: handle, item: index, of: leaf) }
    }
  }

  private func block(
    _ handle: BlockHandle, _ owner: inout AlignedBuffer?
  ) throws(FormatError) -> DataBlock {
    let stored = try stored(handle, .dataBlock)
    var bytes = stored
    if handle.codec != .none {
      let buffer = try decompressor.decompress(
        stored, handle.codec, fullCount: Int(handle.fullCount), limit: Limits.loneBlockBytes,
        at: handle.offset)
      owner = buffer
      bytes = buffer.view(count: Int(handle.fullCount))
    }
    let block = try DataBlock(
      decoding: bytes, at: handle.offset, isStoredRaw: handle.codec == .none)
    guard block.count == Int(handle.itemCount) else {
      throw FormatError(.dataBlock, .value("entry count"), at: handle.offset)
    }
    return block
  }

  /// A block or leaf must lie in the section that holds its like, behind those before it.
  private func check(
    _ handle: BlockHandle, of node: IndexNode, in section: SegmentSection, behind end: UInt64
  ) throws(FormatError) {
    guard handle.offset >= section.offset, handle.end <= section.end else {
      throw FormatError(.blockIndex, .limit("offset"), at: node.base)
    }
    guard handle.offset >= end else { throw FormatError(.blockIndex, .order, at: node.base) }
  }

  /// The stored bytes of a block or leaf, which must have their checksum.
  private func stored(
    _ handle: BlockHandle, _ structure: FormatError.Structure
  ) throws(FormatError) -> ByteView {
    let bytes = try part(at: handle.offset, UInt64(handle.storedCount), structure)
    let computed = CRC32C.checksum(of: bytes, in: id, at: handle.offset)
    guard computed == handle.checksum else {
      throw FormatError(
        structure, .checksum(stored: handle.checksum, computed: computed), at: handle.offset)
    }
    return bytes
  }
}
