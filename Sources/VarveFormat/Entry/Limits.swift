/// The limits of the format: a reader enforces them before it allocates, a writer before it writes.
@frozen
@usableFromInline
package enum Limits {
  /// Bytes of a user's key.
  @inlinable package static var keyBytes: Int { 65_535 }
  /// Bytes of the keyspace number before it.
  @inlinable package static var keyspacePrefixBytes: Int { 4 }
  /// Bytes of an engine key.
  @inlinable package static var engineKeyBytes: Int { keyBytes + keyspacePrefixBytes }
  /// Bytes of a value, uncompressed.
  @inlinable package static var valueBytes: Int { 1 << 30 }
  /// Bytes of one batch as a log payload.
  package static let batchBytes = (1 << 30) + (64 << 20)
  /// Bytes of a block with more than one entry, uncompressed.
  package static let blockBytes = 65_535
  /// Bytes of a block with one entry, uncompressed: its key, its value and what stands around them.
  package static let loneBlockBytes = valueBytes + engineKeyBytes + 192
  /// Bytes of an index leaf.
  package static let indexLeafBytes = 1 << 20
  /// Bytes of a segment behind its data blocks, up to the footer: whoever reads it piece by piece holds them.
  package static let segmentTailBytes: UInt64 = 1 << 30
  /// Bytes of a log file: the longest batch fits one that is nearly full.
  package static let logFileBytes = UInt64(batchBytes) * 2
  /// Sections of a segment.
  package static let segmentSections = 64
  /// Log2 of the largest alignment of a value.
  package static let alignmentShift: UInt8 = 6
  /// Keyspaces that exist at one time.
  package static let keyspaces = 65_536
  /// Bytes of a keyspace's name (UTF-8).
  package static let keyspaceNameBytes = 255
  /// The logarithms that the alignment of values may have.
  package static let valueAlignmentLog2: ClosedRange<UInt8> = 3...12
  /// Bytes of a manifest's body.
  package static let manifestBytes = 256 << 20
  /// The deepest level of segments.
  package static let deepestLevel: UInt8 = 15
  /// The number that the counter of files may not pass.
  package static let fileNumber: UInt64 = 1 << 56
}
