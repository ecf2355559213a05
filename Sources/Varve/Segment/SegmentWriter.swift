// The way of a segment to disk, in one pass:
//
//   add(entry) -> stage -> block -> compress -> checksum -> file
//                            \-> handle + separator -> leaf (kept) -> top
//              -> hash -> filter (kept, 8 bytes a key)
//
// Kept in memory until the end: the filter's hashes, the finished leaves (about 0.6 % of the data)
// and one block. A block's separator needs the key after it, so the last handle waits for that.

import VarveFormat
import VarvePlatform

/// Writes one segment: entries in order, then ``finish()``.
///
/// After any error the file is incomplete and must be abandoned. Equal entries, options and identity
/// make byte-identical files.
final class SegmentWriter {
  let id: FileID
  private let file: any File
  private var policy: SegmentBlockPolicy
  private let compressor: BlockCompressor
  private var chooser: CodecChooser
  private var output: SegmentFileBuffer
  private var block: DataBlockBuilder
  private let filter: FilterBuilder
  private var index: BlockIndexBuilder
  private var counter = SegmentCounter()
  private var isFinished = false

  /// Begins a segment in an empty file.
  ///
  /// - Parameter syncsBehind: whether a thread syncs the file while it grows.
  init(
    to file: any File, id: FileID, options: SegmentOptions = SegmentOptions(),
    policy: SegmentBlockPolicy = SegmentBlockPolicy(),
    compressor: BlockCompressor = BlockCompressor(), syncsBehind: Bool = false
  ) throws(StoreError) {
    self.file = file
    self.id = id
    self.policy = policy
    self.compressor = compressor
    chooser = CodecChooser(policy.compression, zstdSaving: policy.zstdSaving)
    output = SegmentFileBuffer(file, syncsBehind: syncsBehind)
    block = DataBlockBuilder(alignmentShift: policy.alignmentShift)
    filter = FilterBuilder(bitsPerKey: options.filterBitsPerKey)
    index = BlockIndexBuilder(leafBytes: options.indexLeafBytes)
    try output.append(FileHeader(.segment, identity: id).encoded())
  }

  /// Bytes of the file so far, a little less than what ``finish()`` will have written.
  var byteCount: UInt64 { output.offset }

  var entryCount: UInt64 { counter.entryCount }

  /// Whether filter and index come near what a reader holds of a segment at most.
  var hasLongTail: Bool {
    counter.entryCount >= Self.longTailEntries || index.byteCount >= Limits.segmentTailBytes / 4
  }

  /// Of 32 bits each in the filter.
  private static let longTailEntries = Limits.segmentTailBytes / 16
}

// MARK: - Adding

extension SegmentWriter {
  /// Blocks from here on are made by `policy`.
  func use(_ policy: SegmentBlockPolicy) throws(StoreError) {
    guard policy != self.policy else { return }
    try cutBlock()
    self.policy = policy
    chooser = CodecChooser(policy.compression, zstdSaving: policy.zstdSaving)
    let next = DataBlockBuilder(alignmentShift: policy.alignmentShift)
    next.resume(after: block)
    block = next
  }

  /// Gives the filter at least so many bits for each key of the segment; zero asks for none.
  func useFilter(bitsPerKey: Int) { filter.raise(bitsPerKey: bitsPerKey) }

  /// Adds the next entry; its key and sequence number must follow the last one's.
  func add(_ entry: EntryView) throws(StoreError) {
    // One reference for all the calls below: each read of the property would retain it again.
    let block = block
    let step = block.follow(entry)
    guard step != .disorder else {
      throw StoreError(.invalid, "entries of a segment must ascend", file: file.name)
    }
    try check(entry)
    if entry.kind == .pointer { counter.count(try pointer(in: entry)) }
    let hash = XXH64.hash(of: entry.key)
    if !block.hasRoom(for: entry, step, limit: policy.blockBytes) { try cutBlock() }
    if block.isEmpty { index.separate(before: entry.key) }
    block.add(entry, step, tag: UInt8(truncatingIfNeeded: hash >> 56))
    if step != .version { filter.add(hash) }
    counter.count(entry, isNewKey: step != .version)
  }

  private func check(_ entry: EntryView) throws(StoreError) {
    precondition(!isFinished)
    guard entry.key.count <= Limits.engineKeyBytes, entry.value.count <= Limits.valueBytes,
      entry.sequence > .zero, entry.sequence <= .max
    else { throw StoreError(.limit, "an entry exceeds the limits of a segment", file: file.name) }
    let isSound =
      switch entry.kind {
      case .put, .pointer: true
      case .delete: entry.value.isEmpty
      case .rangeDelete: false
      }
    guard isSound else {
      throw StoreError(.invalid, "an entry's kind and value do not fit", file: file.name)
    }
  }

  /// The pointer an entry carries: one that a reader would refuse is refused here.
  private func pointer(in entry: EntryView) throws(StoreError) -> ValuePointer {
    do { return try ValuePointer(decoding: entry.value) } catch {
      throw StoreError(.invalid, "a value pointer is malformed", file: file.name)
    }
  }
}

// MARK: - Blocks

extension SegmentWriter {
  private func cutBlock() throws(StoreError) {
    guard !block.isEmpty else { return }
    let itemCount = UInt16(block.count)
    try block.finish { full throws(StoreError) in
      try write(full, itemCount)
    }
  }

  private func write(_ full: ByteView, _ itemCount: UInt16) throws(StoreError) {
    let compressed = compressor.compress(full, with: &chooser)
    let codec = compressed.codec
    let stored = compressed.bytes
    // Values of a raw block are lent in place, so the block must stand where they are aligned.
    try output.align(to: codec == .none ? max(8, 1 << UInt64(policy.alignmentShift)) : 8)
    let handle = BlockHandle(
      offset: output.offset, storedCount: UInt32(stored.count), fullCount: UInt32(full.count),
      checksum: CRC32C.checksum(of: stored, in: id, at: output.offset), codec: codec,
      itemCount: itemCount, number: counter.blockCount)
    try output.append(stored)
    counter.count(handle)
    index.add(handle, last: block.lastKey, block.lastSequence)
  }
}

// MARK: - Finishing

extension SegmentWriter {
  /// Writes what follows the blocks, makes the file durable, and tells what it is. The directory must
  /// be synced before anything names the file.
  func finish() throws(StoreError) -> SegmentSummary {
    guard counter.entryCount > 0 else {
      throw StoreError(.invalid, "a segment needs at least one entry", file: file.name)
    }
    try cutBlock()
    isFinished = true
    let properties = counter.finish(largestKey: block.lastKey.array)
    let sections = try writeSections(properties)
    try output.align(to: 8)
    try output.append(SegmentFooter(sections: sections).encoded(at: output.offset, id: id))
    try output.flush()
    do { try output.sync() } catch { throw StoreError(error) }
    return SegmentSummary(id: id, size: output.offset, properties: properties)
  }

  private func writeSections(
    _ properties: SegmentProperties
  ) throws(StoreError) -> [SegmentSection] {
    let dataStart = UInt64(FileHeader.byteCount)
    var sections = [
      SegmentSection(.dataBlocks, offset: dataStart, length: output.offset - dataStart)
    ]
    if filter.bitsPerKey > 0 {
      sections.append(try write(filter.encoded(), as: .filter))
    }
    try output.align(to: 8)
    let leavesAt = output.offset
    let top = try index.finish(at: leavesAt, id: id) { leaf throws(StoreError) in
      try output.append(leaf)
      try output.align(to: 8)
    }
    sections.append(
      SegmentSection(.indexLeaves, offset: leavesAt, length: output.offset - leavesAt))
    sections.append(try write(top, as: .indexTop))
    sections.append(try write(properties.encoded(), as: .properties))
    return sections
  }

  private func write(
    _ bytes: [UInt8], as kind: SegmentSection.Kind
  ) throws(StoreError) -> SegmentSection {
    try output.align(to: kind.alignment)
    let offset = output.offset
    let checksum = bytes.withByteView { CRC32C.checksum(of: $0, in: id, at: offset) }
    try output.append(bytes)
    return SegmentSection(kind, checksum: checksum, offset: offset, length: UInt64(bytes.count))
  }
}
