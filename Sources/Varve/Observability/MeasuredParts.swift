package import VarveFormat
package import VarvePlatform

// Parts of the engine by themselves, for tools/bench. A store shows only what they cost together.

/// A memtable.
package struct MeasuredMemTable: Sendable {
  fileprivate let table = MemTable()

  package init() {}

  package func insert(_ entry: EntryView) { table.insert(entry) }

  /// Whether there is a version of `key`.
  package func holds(_ key: ByteView) -> Bool { table.find(key, at: .max) != nil }
}

/// Memtables, walked as one.
package enum MeasuredMerge {
  /// How many entries a walk from the first to the last meets.
  package static func walk(_ tables: [MeasuredMemTable]) throws(StoreError) -> Int {
    var cursor = MergingCursor(tables.map { EntrySource($0.table) })
    try cursor.seekToFirst()
    var count = 0
    while cursor.entry != nil {
      count += 1
      try cursor.next()
    }
    return count
  }
}

/// A segment in a file, written and read.
package final class MeasuredSegment {
  private let reader: SegmentReader
  package let byteCount: UInt64

  /// Writes entries, which `next` lends in order, to the file of segment `number`.
  ///
  /// - Parameter isMapped: whether it is read in place, or block by block without a cache.
  package init(
    _ number: UInt64, in directory: any Directory, _ compression: Compression, isMapped: Bool,
    next: () -> EntryView?
  ) throws {
    let id = FileID(low: number, high: 1)
    let file = try directory.create(FileName(.segment, number).description)
    let writer = try SegmentWriter(
      to: file, id: id, policy: SegmentBlockPolicy(compression: compression))
    while let entry = next() { try writer.add(entry) }
    byteCount = try writer.finish().size
    try file.close()
    let blocks = BlockAccess(decompressor: Decompressor(), cache: BlockCache(budget: 0))
    reader = SegmentReader(
      number: number, id: id, size: byteCount,
      in: SegmentEnvironment(
        directory: directory, mode: isMapped ? .mapped : .pread, blocks: blocks))
  }

  /// Whether there is a version of `key`.
  package func holds(_ key: ByteView) throws(StoreError) -> Bool {
    try reader.find(key, hash: XXH64.hash(of: key), at: .max) != nil
  }

  /// How many entries a walk from the first to the last meets.
  package func walk() throws(StoreError) -> Int {
    let cursor = try reader.cursor()
    try cursor.seekToFirst()
    var count = 0
    while cursor.entry != nil {
      count += 1
      try cursor.next()
    }
    return count
  }
}

/// The codecs, as blocks and values go through them.
package final class MeasuredCodec {
  private let compressor = BlockCompressor()
  private let decompressor = Decompressor()
  private var chooser: CodecChooser
  private let full: AlignedBuffer

  package init(_ compression: Compression, largest: Int) {
    chooser = CodecChooser(compression)
    full = AlignedBuffer(capacity: largest)
  }

  /// The stored form, lent until the next call.
  package func compress(_ bytes: ByteView) -> (codec: Codec, bytes: ByteView) {
    let block = compressor.compress(bytes, with: &chooser)
    return (block.codec, block.bytes)
  }

  package func decompress(_ stored: ByteView, _ codec: Codec, fullCount: Int) throws(FormatError) {
    try decompressor.decompress(stored, codec, fullCount: fullCount, into: full, at: 0)
  }
}
