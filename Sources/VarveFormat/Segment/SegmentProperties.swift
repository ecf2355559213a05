/// What is in a segment, counted while it was written. Spec: segment.md, "Properties".
///
/// ```
///   0  entries              u64, at least 1
///   8  deletes              u64, entries of kind delete
///  16  pointers             u64, entries of kind pointer
///  24  distinct keys        u64, 1...entries
///  32  raw bytes            u64, keys and values before compression, a pointer as its 32 bytes
///  40  key bytes            u64, of those the keys
///  48  stored bytes         u64, of all blocks as stored
///  56  full bytes           u64, of all blocks uncompressed
///  64  smallest sequence    u64
///  72  largest sequence     u64
///  80  expiring entries     u64, with an expiry
///  88  earliest expiry      u64, zero where none expires
///  96  latest expiry        u64, likewise
/// 104  blocks               u32, at least 1
/// 108  longest delete run   u32, most deletes in a row (2^32 - 1 stands for that or more)
/// 112  blocks by codec      3 x u32: none, lz4, zstd
/// 124  value references     u32, how many follow at the end
/// 128  smallest key length  u32
/// 132  largest key length   u32
/// 136  smallest key, largest key, zeros to a multiple of 8
///      value references     24 bytes each, by file number: u64 file, u64 count, u64 stored bytes
/// ```
package struct SegmentProperties: Equatable, Sendable {
  package static let fixedByteCount = 136

  package var entryCount: UInt64 = 0
  package var deleteCount: UInt64 = 0
  package var pointerCount: UInt64 = 0
  package var keyCount: UInt64 = 0
  package var rawBytes: UInt64 = 0
  package var keyBytes: UInt64 = 0
  package var storedBytes: UInt64 = 0
  package var fullBytes: UInt64 = 0
  package var smallestSequence = SequenceNumber.max
  package var largestSequence = SequenceNumber.zero
  package var expiringCount: UInt64 = 0
  /// Zero where no entry expires.
  package var earliestExpiry: ExpiryTime = 0
  package var latestExpiry: ExpiryTime = 0
  package var blockCount: UInt32 = 0
  /// The most tombstones in a row: what a scan may have to step over.
  package var longestDeleteRun: UInt32 = 0
  /// Blocks by codec number.
  package var codecBlocks: [UInt32] = [0, 0, 0]
  package var smallestKey: [UInt8] = []
  package var largestKey: [UInt8] = []
  package var valueReferences: [ValueReference] = []

  package init() {}
}

// MARK: - Encoding

extension SegmentProperties {
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 512)
    for number in [
      entryCount, deleteCount, pointerCount, keyCount, rawBytes, keyBytes, storedBytes, fullBytes,
      smallestSequence.rawValue, largestSequence.rawValue, expiringCount, earliestExpiry,
      latestExpiry,
    ] { writer.uint64(number) }
    writer.uint32(blockCount)
    writer.uint32(longestDeleteRun)
    for count in codecBlocks { writer.uint32(count) }
    writer.uint32(UInt32(valueReferences.count))
    writer.uint32(UInt32(smallestKey.count))
    writer.uint32(UInt32(largestKey.count))
    writer.append(smallestKey)
    writer.append(largestKey)
    writer.align(to: 8)
    for reference in valueReferences {
      writer.uint64(reference.file)
      writer.uint64(reference.count)
      writer.uint64(reference.bytes)
    }
    return writer.bytes
  }

  package init(decoding bytes: ByteView, at base: UInt64) throws(FormatError) {
    var reader = ByteReader(bytes, .properties, at: base)
    entryCount = try reader.uint64()
    deleteCount = try reader.uint64()
    pointerCount = try reader.uint64()
    keyCount = try reader.uint64()
    rawBytes = try reader.uint64()
    keyBytes = try reader.uint64()
    storedBytes = try reader.uint64()
    fullBytes = try reader.uint64()
    smallestSequence = SequenceNumber(try reader.uint64())
    largestSequence = SequenceNumber(try reader.uint64())
    expiringCount = try reader.uint64()
    earliestExpiry = try reader.uint64()
    latestExpiry = try reader.uint64()
    blockCount = try reader.uint32()
    longestDeleteRun = try reader.uint32()
    codecBlocks = [try reader.uint32(), try reader.uint32(), try reader.uint32()]
    try readLists(&reader)
    try check(at: base)
  }

  private mutating func readLists(_ reader: inout ByteReader) throws(FormatError) {
    let referenceCount = Int(try reader.uint32())
    let smallestCount = Int(try reader.uint32())
    let largestCount = Int(try reader.uint32())
    guard max(smallestCount, largestCount) <= Limits.engineKeyBytes else {
      throw reader.error(.limit("key length"))
    }
    smallestKey = try reader.view(smallestCount).array
    largestKey = try reader.view(largestCount).array
    try reader.zeros((8 &- reader.position & 7) & 7, "padding")
    guard referenceCount <= reader.remaining / 24 else {
      throw reader.error(.limit("value references"))
    }
    for _ in 0..<referenceCount {
      let start = reader
      let reference = ValueReference(
        file: try reader.uint64(), count: try reader.uint64(), bytes: try reader.uint64())
      if let last = valueReferences.last, last.file >= reference.file { throw start.error(.order) }
      valueReferences.append(reference)
    }
    try reader.end()
  }

  /// The rules between fields, which a reader relies on.
  private func check(at base: UInt64) throws(FormatError) {
    func require(_ holds: Bool, _ field: UInt64, _ what: String) throws(FormatError) {
      guard holds else { throw FormatError(.properties, .value(what), at: base &+ field) }
    }
    try require(entryCount >= 1, 0, "entry count")
    try require(deleteCount <= entryCount, 8, "delete count")
    try require(pointerCount <= entryCount &- deleteCount, 16, "pointer count")
    try require(1...entryCount ~= keyCount, 24, "key count")
    try require(keyBytes <= rawBytes, 40, "key bytes")
    try require(smallestSequence <= largestSequence, 64, "smallest sequence")
    try require(largestSequence <= .max, 72, "largest sequence")
    try require(expiringCount <= entryCount, 80, "expiring entries")
    try require(earliestExpiry <= latestExpiry, 88, "earliest expiry")
    try require((expiringCount == 0) == (latestExpiry == 0), 96, "latest expiry")
    try require((earliestExpiry == 0) == (latestExpiry == 0), 88, "earliest expiry")
    try require(UInt64(blockCount) <= entryCount && blockCount >= 1, 104, "block count")
    try require(UInt64(longestDeleteRun) <= deleteCount, 108, "delete run")
    let blocks = codecBlocks.reduce(UInt64(0)) { $0 &+ UInt64($1) }
    try require(blocks == UInt64(blockCount), 112, "blocks by codec")
    let isAscending = smallestKey.withByteView { smallest in
      largestKey.withByteView { smallest <= $0 }
    }
    try require(isAscending, 136, "key range")
  }
}
