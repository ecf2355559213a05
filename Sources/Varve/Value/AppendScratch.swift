import VarveFormat
import VarvePlatform

/// What one append needs: a compressor, and a buffer in which header and value are put together.
final class AppendScratch: Sendable {
  /// How many a writer keeps for the next appends.
  static let mostIdle = 8
  /// Up to here copying a value costs less than a second call.
  private static let copiedBytes = 16 << 10

  let compressor = BlockCompressor()
  // One append at a time has taken this object out of its pool.
  private nonisolated(unsafe) var writer = ByteWriter(reserving: 4096)

  /// Writes a record: a small one in one call, a large one's value from where it lies.
  ///
  /// The zeros before and behind are not written: nothing was ever written there, and what was not
  /// written reads as zero.
  func write(
    _ header: StoredValueHeader, _ stored: ByteView, at place: ValuePlace, to file: any File,
    _ id: FileID
  ) throws(FileSystemError) {
    unsafe writer.removeAll()
    unsafe ValueRecord.value(header).encode(to: &writer, in: id, at: place.header)
    let isCopied = stored.count <= Self.copiedBytes
    if isCopied { unsafe writer.append(stored) }
    try unsafe writer.bytes.withByteView { bytes throws(FileSystemError) in
      try file.write(bytes, at: place.header)
    }
    if !isCopied { try file.write(stored, at: place.value) }
  }

  /// Stores a record where it belongs.
  func store(
    _ header: StoredValueHeader, _ stored: ByteView, at place: ValuePlace, in warm: any WarmRange,
    _ id: FileID
  ) {
    unsafe writer.removeAll()
    unsafe ValueRecord.value(header).encode(to: &writer, in: id, at: place.header)
    unsafe writer.bytes.withByteView { warm.store($0, at: place.header) }
    warm.store(stored, at: place.value)
  }
}
