// What a reader holds of an open segment:
//
//   mapped   the whole file is one view; raw blocks are lent from it
//   pread    filter, index, properties and footer are held in memory; each block is read when needed
//
// Either way `tail` is a view of everything behind the data blocks, so the search is the same code.

import Synchronization
import VarveFormat
import VarvePlatform

/// A segment whose header, footer, properties and index top were read and found good. Filter, leaves
/// and blocks are checked when they are first touched.
final class OpenSegment: Sendable {
  let name: String
  /// The file's number: the cache knows its blocks by that.
  let number: UInt64
  let id: FileID
  let properties: SegmentProperties
  let top: IndexNode
  let dataBlocks: SegmentSection
  private let indexTop: SegmentSection
  private let indexLeaves: SegmentSection
  private let filterSection: SegmentSection?
  let filter: Filter?
  private let tail: SegmentTail
  let source: BlockSource
  /// The whole file where it is mapped: at hand without a reference to the mapping.
  let mapped: ByteView?
  let access: BlockAccess
  /// Blocks by their number, then the filter.
  let touched: TouchedBits
  let blockCount: Int
  /// The leaves that were found good.
  private let leaves: KnownLeaves
  /// Set while the index top is known to have rotted since it was read.
  private let isTopDoubted = Atomic(false)

  /// Where blocks come from.
  enum BlockSource: Sendable {
    case mapping(MappedFile)
    /// The file, and the buffer that keeps the tail.
    case file(FilePieces, tail: AlignedBuffer)
  }

  private init(
    name: String, number: UInt64, footer: SegmentFooter, tail: SegmentTail, source: BlockSource,
    blocks: BlockAccess
  ) throws(FormatError) {
    self.name = name
    self.number = number
    self.id = tail.id
    self.tail = tail
    self.source = source
    mapped = if case .mapping(let mapping) = source { mapping.bytes } else { nil }
    access = blocks
    dataBlocks = try footer.required(.dataBlocks)
    indexLeaves = try footer.required(.indexLeaves)
    filterSection = footer.section(.filter)
    let propertiesAt = try footer.required(.properties)
    properties = try SegmentProperties(
      decoding: try tail.checked(propertiesAt, .properties), at: propertiesAt.offset)
    indexTop = try footer.required(.indexTop)
    top = try IndexNode(
      decoding: try tail.checked(indexTop, .blockIndex), .top, at: indexTop.offset)
    if let section = filterSection {
      filter = try Filter(decoding: try tail.bytes(of: section, .filter), at: section.offset)
    } else {
      filter = nil
    }
    // A block takes more than 16 bytes.
    guard UInt64(properties.blockCount) <= dataBlocks.length / 16 else {
      throw FormatError(.properties, .limit("block count"), at: propertiesAt.offset &+ 104)
    }
    try top.checkNumbers()
    blockCount = Int(properties.blockCount)
    touched = TouchedBits(count: blockCount + 1)
    leaves = KnownLeaves(count: top.count)
  }
}

/// The end of a segment file: everything behind the data blocks, and perhaps what is before.
struct SegmentTail: Sendable {
  let bytes: ByteView
  /// The file offset of the first byte.
  let offset: UInt64
  let id: FileID

  func bytes(
    of section: SegmentSection, _ structure: FormatError.Structure
  ) throws(FormatError) -> ByteView {
    try part(at: section.offset, count: section.length, structure)
  }

  func part(
    at start: UInt64, count: UInt64, _ structure: FormatError.Structure
  ) throws(FormatError) -> ByteView {
    guard start >= offset, let position = Int(exactly: start &- offset),
      let count = Int(exactly: count), let part = bytes.part(at: position, count: count)
    else { throw FormatError(structure, .truncated, at: start) }
    return part
  }

  /// A section whose checksum stands in the footer.
  func checked(
    _ section: SegmentSection, _ structure: FormatError.Structure
  ) throws(FormatError) -> ByteView {
    let part = try bytes(of: section, structure)
    try part.check(section.checksum, structure, in: id, at: section.offset)
    return part
  }
}

extension ByteView {
  /// Throws unless these bytes, standing at `offset` of the file `id`, have the checksum `stored`.
  func check(
    _ stored: UInt32, _ structure: FormatError.Structure, in id: FileID, at offset: UInt64
  ) throws(FormatError) {
    let computed = CRC32C.checksum(of: self, in: id, at: offset)
    guard computed == stored else {
      throw FormatError(structure, .checksum(stored: stored, computed: computed), at: offset)
    }
  }
}

// MARK: - Opening

extension OpenSegment {
  /// Opens a mapped segment.
  static func open(
    _ mapping: MappedFile, number: UInt64, id: FileID, _ blocks: BlockAccess
  ) throws(StoreError) -> OpenSegment {
    let file = mapping.bytes
    do throws(FormatError) {
      try checkHeader(file, id)
      let footer = try SegmentFooter(
        decoding: file.dropping(file.count &- SegmentFooter.maximumByteCount),
        fileSize: UInt64(file.count), id: id)
      let top = try footer.required(.indexTop)
      let properties = try footer.required(.properties)
      mapping.expectWhole(
        min(top.offset, properties.offset)..<max(top.end, properties.end))
      return try OpenSegment(
        name: mapping.name, number: number, footer: footer,
        tail: SegmentTail(bytes: file, offset: 0, id: id),
        source: .mapping(mapping), blocks: blocks)
    } catch {
      throw StoreError(error, in: mapping.name)
    }
  }

  /// Opens a segment that is read piece by piece.
  static func open(
    _ pieces: FilePieces, number: UInt64, id: FileID, _ blocks: BlockAccess
  ) throws(StoreError) -> OpenSegment {
    let size = pieces.size
    let header = try pieces.read(min(size, UInt64(FileHeader.byteCount)), at: 0)
    let endCount = min(size, UInt64(SegmentFooter.maximumByteCount))
    let end = try pieces.read(endCount, at: size - endCount)
    let footer: SegmentFooter
    let start: UInt64
    defer { withExtendedLifetime((header, end)) {} }
    do throws(FormatError) {
      try checkHeader(header.view(), id)
      footer = try SegmentFooter(decoding: end.view(), fileSize: size, id: id)
      // At a multiple of 64, so that the filter's blocks are whole cache lines in memory too.
      start = try footer.required(.dataBlocks).end & ~63
    } catch {
      throw StoreError(error, in: pieces.file.name)
    }
    let tail = try pieces.read(size - start, at: start)
    defer { withExtendedLifetime(tail) {} }
    do throws(FormatError) {
      return try OpenSegment(
        name: pieces.file.name, number: number, footer: footer,
        tail: SegmentTail(bytes: tail.view(), offset: start, id: id),
        source: .file(pieces, tail: tail), blocks: blocks)
    } catch {
      throw StoreError(error, in: pieces.file.name)
    }
  }

  private static func checkHeader(_ bytes: ByteView, _ id: FileID) throws(FormatError) {
    let header = try FileHeader(decoding: bytes, as: .segment)
    guard header.identity == id else {
      throw FormatError(.fileHeader, .value("segment id"), at: 32)
    }
  }

  /// Bytes of memory, other than the mapping, that this segment holds.
  var memoryBytes: Int {
    let known = touched.memoryBytes + leaves.memoryBytes
    return switch source {
    case .mapping: known
    case .file(_, let tail): known + tail.capacity
    }
  }
}

// MARK: - What comes next

extension OpenSegment {
  /// Says that bytes of the file are read soon, where that is anybody's to say.
  func expect(_ range: Range<UInt64>?) {
    guard let range else { return }
    switch source {
    case .mapping(let mapping): mapping.expect(.soon(range))
    case .file(let pieces, _): pieces.file.expect(range)
    }
  }

  /// Says that bytes of the file are about to be read from end to end for the first time.
  func expectWhole(_ range: Range<UInt64>) {
    if case .mapping(let mapping) = source { mapping.expectWhole(range) }
  }
}

// MARK: - Filter and leaves

extension OpenSegment {
  /// False where no version of a key with this XXH64 is in the segment.
  @inline(__always)
  func mayContain(_ hash: UInt64) throws(FormatError) -> Bool {
    guard let filter, let section = filterSection else { return true }
    if !touched.contains(blockCount) { try checkFilter(section) }
    return filter.mayContain(hash)
  }

  private func checkFilter(_ section: SegmentSection) throws(FormatError) {
    expectWhole(section.offset..<section.end)
    _ = try tail.checked(section, .filter)
    touched.insert(blockCount)
  }

  /// Index leaf `index`, checked and decoded when it is first touched.
  @inline(__always)
  func leaf(at index: Int) throws(FormatError) -> IndexNode {
    if let leaf = leaves[index] { return leaf }
    let leaf = leaves.keep(try readLeaf(at: index), at: index)
    // The top may have been found damaged meanwhile: nobody may come by this leaf without asking.
    if isTopDoubted.load(ordering: .sequentiallyConsistent) { leaves.forget(index) }
    return leaf
  }

  /// Checks the index now, whoever found it good before: for those who write again what it leads to, or
  /// what it leads past. Only memory of a mapping changes.
  func checkIndex() throws(StoreError) {
    guard mapped != nil else { return }
    expectWhole(indexLeaves.offset..<indexLeaves.end)
    do throws(FormatError) {
      try checkTop()
      for index in 0..<top.count { try checkLeaf(at: index) }
    } catch {
      throw StoreError(error, in: name)
    }
  }

  /// Checks all that stands behind the blocks.
  func checkTail() throws(StoreError) {
    do throws(FormatError) {
      if let section = filterSection { try checkFilter(section) }
      for index in 0..<top.count { _ = try leaf(at: index) }
    } catch {
      throw StoreError(error, in: name)
    }
  }

  /// While the top is damaged no leaf is known, so that everybody whom it leads to one comes by
  /// ``readLeaf(at:)`` and is told.
  private func checkTop() throws(FormatError) {
    do throws(FormatError) { _ = try tail.checked(indexTop, .blockIndex) } catch {
      isTopDoubted.store(true, ordering: .sequentiallyConsistent)
      for index in 0..<top.count { leaves.forget(index) }
      throw error
    }
    isTopDoubted.store(false, ordering: .releasing)
  }

  /// Throws where the top is still damaged that was found so: what it says leads nobody any more.
  func checkDoubtedTop() throws(FormatError) {
    if isTopDoubted.load(ordering: .acquiring) { try checkTop() }
  }

  private func checkLeaf(at index: Int) throws(FormatError) {
    do throws(FormatError) { _ = try readLeaf(at: index) } catch {
      leaves.forget(index)
      throw error
    }
  }

  private func readLeaf(at index: Int) throws(FormatError) -> IndexNode {
    try checkDoubtedTop()
    let handle = try top.handle(at: index)
    guard handle.offset >= indexLeaves.offset, handle.end <= indexLeaves.end else {
      throw FormatError(.blockIndex, .limit("leaf offset"), at: top.base)
    }
    let bytes = try tail.part(
      at: handle.offset, count: UInt64(handle.storedCount), .blockIndex)
    try bytes.check(handle.checksum, .blockIndex, in: id, at: handle.offset)
    let leaf = try IndexNode(decoding: bytes, .leaf, at: handle.offset)
    guard leaf.count == Int(handle.itemCount), leaf.firstNumber == handle.number else {
      throw FormatError(.blockIndex, .value("item count"), at: handle.offset)
    }
    return leaf
  }
}
