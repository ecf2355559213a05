/// Something the store did or met, told to ``StoreOptions/onEvent``.
public enum StoreEvent: Sendable {
  /// The store was opened; how many entries of its logs were replayed, and how many bytes beyond the last
  /// durable record were dropped as a torn tail.
  case opened(replayedEntries: Int, tornBytes: UInt64)
  /// A memtable or several became a segment.
  case flushed(entries: Int, bytes: UInt64)
  /// Segments were merged; the reason is the picker's.
  case compacted(reason: String, readBytes: UInt64, writtenBytes: UInt64)
  /// Sealed files were put into the bucket, and a version that names them was committed there.
  case uploaded(files: Int, bytes: UInt64)
  /// Sealed files left this machine; their copies in the bucket are read from here on.
  case evicted(files: Int, bytes: UInt64)
  /// Background work failed and will be tried again when there is reason to.
  case backgroundFailure(StoreError)
  /// A write waited for background work.
  case writeDelayed(microseconds: UInt64)
}
