// Two ways to a block's bytes:
//
//   mapped and raw    checked at first touch, then lent in place
//   everything else   from the cache, or read, checked, decompressed and perhaps kept there
//
// Whoever writes entries again, a compaction, gets copies that were checked as copies.

import VarveFormat
import VarvePlatform

/// What turns stored blocks into searchable ones; shared by all segments of a store.
struct BlockAccess: Sendable {
  let decompressor: Decompressor
  let cache: BlockCache
}

/// A searchable block and what keeps its bytes alive: nil where the mapping or a scratch does.
struct LentBlock {
  let block: DataBlock
  let owner: CachedBlock?
}

/// Buffers that one cursor reads block after block into, so that a long walk leaves the cache alone.
final class BlockScratch {
  private var stored: AlignedBuffer?
  private var full: AlignedBuffer?
  private var passage: FilePieces?

  /// At least `count` bytes for a block as stored, holding anything.
  func storedBuffer(_ count: Int) -> AlignedBuffer { Self.grown(&stored, count) }

  /// At least `count` bytes for an uncompressed block; what it held before is gone.
  func fullBuffer(_ count: Int) -> AlignedBuffer { Self.grown(&full, count) }

  /// The segment, which is always the same one, for a cursor that passes through it.
  func passing(_ pieces: FilePieces) -> FilePieces {
    if let passage { return passage }
    let passage = FilePieces(file: pieces.file.passing(), size: pieces.size)
    self.passage = passage
    return passage
  }

  private static func grown(_ buffer: inout AlignedBuffer?, _ count: Int) -> AlignedBuffer {
    // Much larger than needed means that a lone huge block went through: give that back.
    if let buffer, buffer.capacity >= count, buffer.capacity <= max(1 << 20, 4 * count) {
      return buffer
    }
    let fresh = AlignedBuffer(capacity: max(count, 64 << 10))
    buffer = fresh
    return fresh
  }
}

extension OpenSegment {
  /// The block that `handle`, an item of the leaf at `leafBase`, stands for.
  ///
  /// - Parameter scratch: where the block goes if it cannot be lent in place; without one it goes
  ///   through the cache. A block in a scratch holds until the scratch is used again.
  /// - Parameter asksCache: whether a block that is in the cache is taken from there all the same, and
  ///   one is lent where it is mapped. Whoever writes the entries again has neither: a mapping may change
  ///   with its page at any moment, also behind a check, and a fresh checksum would hide that.
  func block(
    _ handle: BlockHandle, inLeafAt leafBase: UInt64, in scratch: BlockScratch? = nil,
    asksCache: Bool = false
  ) throws(StoreError) -> LentBlock {
    let isCopied = scratch != nil && !asksCache
    if let mapped, handle.codec == .none, !isCopied {
      do throws(FormatError) {
        let bytes = try mappedBytes(of: handle, leafBase, mapped)
        return LentBlock(block: try DataBlock(decoding: bytes, handle), owner: nil)
      } catch {
        throw StoreError(error, in: name)
      }
    }
    do throws(FormatError) { try check(handle, inLeafAt: leafBase) } catch {
      throw StoreError(error, in: name)
    }
    // Two items of an index never have one number; a damaged one may have one offset, and other checksums.
    let key = BlockKey(file: number, place: UInt64(handle.number))
    if let scratch {
      if asksCache, let cached = access.cache.cachedBlock(for: key) {
        return LentBlock(block: try decode(owned: cached.bytes, handle), owner: cached)
      }
      return LentBlock(block: try loadBlock(handle, scratch, isCopied: isCopied), owner: nil)
    }
    let cached = try access.cache.block(for: key) { () throws(StoreError) in
      try loadForCache(handle)
    }
    return LentBlock(block: try decode(owned: cached.bytes, handle), owner: cached)
  }

  /// A raw block where it lies, checked at the first touch.
  @inline(__always)
  func mappedBytes(
    of handle: BlockHandle, _ leafBase: UInt64, _ file: ByteView
  ) throws(FormatError) -> ByteView {
    try check(handle, inLeafAt: leafBase)
    guard
      let bytes = file.part(
        at: Int(truncatingIfNeeded: handle.offset), count: Int(handle.storedCount))
    else { throw FormatError(.dataBlock, .truncated, at: handle.offset) }
    // And what follows the slots: the shared prefix, which every search compares.
    bytes.prefetch(min(1088, DataBlock.searchedByteCount(Int(handle.itemCount)) &+ 64))
    let number = Int(handle.number)
    if number >= blockCount || !touched.contains(number) {
      try check(bytes, of: handle)
    }
    return bytes
  }

  /// Begins to bring near what a walk finds behind a block, head and first entries, where it is mapped.
  func prefetchBlock(behind handle: BlockHandle) {
    mapped?.dropping(Int(truncatingIfNeeded: handle.end)).prefetch(1024)
  }

  /// Checks a raw block. One found damaged is checked again by whoever comes next.
  private func check(_ bytes: ByteView, of handle: BlockHandle) throws(FormatError) {
    expectWhole(handle)
    do throws(FormatError) {
      try bytes.check(handle.checksum, .dataBlock, in: id, at: handle.offset)
    } catch {
      doubt(handle)
      throw error
    }
    if hasBit(handle) { touched.insert(Int(handle.number)) }
  }

  /// The bit behind the last block is the filter's.
  private func hasBit(_ handle: BlockHandle) -> Bool { Int(handle.number) < blockCount }

  /// Asks for all of a mapped block, once; a walk that reads it again asks ahead by itself.
  private func expectWhole(_ handle: BlockHandle) {
    if hasBit(handle), !touched.contains(Int(handle.number)) {
      expectWhole(handle.offset..<handle.end)
    }
  }

  /// Lets whoever comes next check the block again.
  private func doubt(_ handle: BlockHandle) {
    if hasBit(handle) { touched.remove(Int(handle.number)) }
  }

  /// Reads, checks and decompresses a block into buffers of a cursor.
  ///
  /// - Parameter isCopied: whether mapped bytes go into a buffer before they are checked.
  private func loadBlock(
    _ handle: BlockHandle, _ scratch: BlockScratch, isCopied: Bool
  ) throws(StoreError) -> DataBlock {
    let stored = try storedBytes(of: handle, scratch, isCopied: isCopied)
    guard handle.codec != .none else { return try decode(owned: stored, handle) }
    let full = scratch.fullBuffer(Int(handle.fullCount))
    do throws(FormatError) {
      try access.decompressor.decompress(
        stored, handle.codec, fullCount: Int(handle.fullCount), into: full, at: handle.offset)
    } catch {
      throw StoreError(error, in: name)
    }
    return try decode(owned: full.view(count: Int(handle.fullCount)), handle)
  }

  /// Reads, checks and decompresses a block into a buffer of its own.
  private func loadForCache(_ handle: BlockHandle) throws(StoreError) -> CachedBlock {
    let count = Int(handle.fullCount)
    let scratch = BlockScratch()
    if handle.codec == .none, case .file(let pieces, _) = source {
      let buffer = try asking(pieces) { () throws(StoreError) in
        let buffer = try pieces.read(UInt64(count), at: handle.offset)
        try checkStored(buffer.view(), handle)
        return buffer
      }
      return CachedBlock(buffer, count: count)
    }
    let stored = try storedBytes(of: handle, scratch, isCopied: false)
    defer { withExtendedLifetime(scratch) {} }
    do throws(FormatError) {
      let full = try access.decompressor.decompress(
        stored, handle.codec, fullCount: count, limit: Limits.loneBlockBytes, at: handle.offset)
      return CachedBlock(full, count: count)
    } catch {
      throw StoreError(error, in: name)
    }
  }

  /// A block as stored, checked. Its handle was found to lie among the data blocks, which lie in the
  /// file.
  private func storedBytes(
    of handle: BlockHandle, _ scratch: BlockScratch, isCopied: Bool
  ) throws(StoreError) -> ByteView {
    let count = Int(handle.storedCount)
    var stored: ByteView
    switch source {
    case .mapping(let mapping):
      stored = mapping.bytes.dropping(Int(truncatingIfNeeded: handle.offset)).prefix(count)
      if isCopied {
        expectWhole(handle)
        let buffer = scratch.storedBuffer(count)
        buffer.copy(stored)
        stored = buffer.view(count: count)
      }
    case .file(let pieces, _):
      let buffer = scratch.storedBuffer(count)
      return try asking(pieces) { () throws(StoreError) in
        try (isCopied ? scratch.passing(pieces) : pieces)
          .read(count, at: handle.offset, into: buffer)
        let stored = buffer.view(count: count)
        try checkStored(stored, handle)
        return stored
      }
    }
    try checkStored(stored, handle)
    return stored
  }

  /// What came from a bucket is asked for once more where it is damaged: the way here may have changed it.
  private func asking<Result>(
    _ pieces: FilePieces, _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) { return try body() } catch {
      guard error.code == .corrupted, pieces.file.isCold else { throw error }
      return try body()
    }
  }

  private func checkStored(_ stored: ByteView, _ handle: BlockHandle) throws(StoreError) {
    do { try stored.check(handle.checksum, .dataBlock, in: id, at: handle.offset) } catch {
      doubt(handle)
      // What was kept of the file on the way here may be what is damaged: the next reader asks anew.
      if case .file(let pieces, _) = source { try? pieces.file.dropCache() }
      throw StoreError(error, in: name)
    }
  }

  private func decode(
    owned bytes: ByteView, _ handle: BlockHandle
  ) throws(StoreError) -> DataBlock {
    do { return try DataBlock(decoding: bytes, handle) } catch {
      throw StoreError(error, in: name)
    }
  }

  /// Throws unless the block lies among the data blocks.
  @inline(__always)
  private func check(_ handle: BlockHandle, inLeafAt leafBase: UInt64) throws(FormatError) {
    guard handle.offset >= dataBlocks.offset, handle.end <= dataBlocks.end else {
      throw FormatError(.blockIndex, .limit("block offset"), at: leafBase)
    }
  }
}
