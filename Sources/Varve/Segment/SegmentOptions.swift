import VarveFormat

/// How a segment is laid out as a whole.
struct SegmentOptions: Sendable {
  /// Bits of the filter for each key, 1...32; zero for no filter.
  var filterBitsPerKey = 10
  /// Bytes at which an index leaf is cut.
  var indexLeafBytes = 1 << 10

  init(filterBitsPerKey: Int = 10, indexLeafBytes: Int = 1 << 10) {
    self.filterBitsPerKey = filterBitsPerKey
    self.indexLeafBytes = indexLeafBytes
  }
}

/// How the blocks of one keyspace are made. It may change between any two entries: the block at hand
/// is cut there.
struct SegmentBlockPolicy: Equatable, Sendable {
  /// Bytes, uncompressed, that a block of several entries stays within; at most 65,535.
  var blockBytes = 8 << 10
  /// Log2 of the alignment of values: 6 for vectors.
  var alignmentShift: UInt8 = 0
  var compression: Compression = .automatic
  /// By how many percent Zstandard must be smaller than LZ4 to be chosen; nil: it is not tried.
  var zstdSaving: Int? = CodecChooser.usualZstdSaving

  init(
    blockBytes: Int = 8 << 10, alignmentShift: UInt8 = 0, compression: Compression = .automatic
  ) {
    self.blockBytes = blockBytes
    self.alignmentShift = alignmentShift
    self.compression = compression
  }
}

/// What a finished segment is: everything its record in the manifest needs.
struct SegmentSummary: Equatable, Sendable {
  let id: FileID
  /// Bytes of the file.
  let size: UInt64
  let properties: SegmentProperties

  func record(number: UInt64, level: UInt8) -> SegmentRecord {
    SegmentRecord(
      number: number, id: id, level: level, size: size, smallestKey: properties.smallestKey,
      largestKey: properties.largestKey, smallestSequence: properties.smallestSequence,
      largestSequence: properties.largestSequence, entryCount: properties.entryCount,
      keyCount: properties.keyCount, deleteCount: properties.deleteCount,
      expiringCount: properties.expiringCount, earliestExpiry: properties.earliestExpiry,
      latestExpiry: properties.latestExpiry, rawBytes: properties.rawBytes,
      valueReferences: properties.valueReferences)
  }
}
