import VarveFormat
import VarvePlatform

/// Collects what is appended to a new file and writes it in pieces of 2 MiB at multiples of that,
/// which go on to the device while the next ones are made.
///
/// A system that keeps files in large pages makes one of each such piece, and a reader of the mapped
/// file waits less for page tables. Smaller or crooked pieces would become small pages.
struct SegmentFileBuffer {
  private static let capacity = 2 << 20

  private let file: any File
  private var buffer = AlignedBuffer(capacity: Self.capacity)
  private var filled = 0
  /// Bytes that reached the file, or are on their way to it.
  private var written: UInt64 = 0
  private let behind: FileBehind
  /// Nil where this thread writes itself.
  private let pieces: PieceWriter?

  /// - Parameters:
  ///   - syncsBehind: whether a thread syncs the file while it grows: see `SyncBehind`.
  ///   - writesBehind: whether a thread writes the pieces: see `PieceWriter`.
  init(_ file: any File, syncsBehind: Bool = false, writesBehind: Bool = false) {
    self.file = file
    let behind = FileBehind(file, syncs: syncsBehind)
    self.behind = behind
    pieces =
      writesBehind ? PieceWriter(file, pieceBytes: Self.capacity) { behind.note($0) } : nil
  }

  /// Where the next byte goes.
  var offset: UInt64 { written + UInt64(filled) }

  mutating func append(_ bytes: ByteView) throws(StoreError) {
    var rest = bytes
    while filled + rest.count >= Self.capacity {
      let part = rest.prefix(Self.capacity - filled)
      buffer.copy(part, to: filled)
      filled += part.count
      rest = rest.dropping(part.count)
      try flush()
    }
    buffer.copy(rest, to: filled)
    filled += rest.count
  }

  mutating func append(_ bytes: [UInt8]) throws(StoreError) {
    try bytes.withByteView { bytes throws(StoreError) in try append(bytes) }
  }

  /// Fills with zeros up to the next multiple of `alignment`, a power of two up to 64.
  mutating func align(to alignment: UInt64) throws(StoreError) {
    try appendZeros(Int((alignment &- offset) & (alignment &- 1)))
  }

  mutating func appendZeros(_ count: Int) throws(StoreError) {
    var missing = count
    while missing > 0 {
      let step = min(missing, Self.zeros.count)
      try Self.zeros.withByteView { zeros throws(StoreError) in try append(zeros.prefix(step)) }
      missing -= step
    }
  }

  private static let zeros = [UInt8](repeating: 0, count: 4096)

  mutating func flush() throws(StoreError) {
    guard filled > 0 else { return }
    do throws(FileSystemError) { try write() } catch { throw StoreError(error) }
    written += UInt64(filled)
    filled = 0
  }

  /// Makes what was flushed durable.
  func sync() throws(FileSystemError) {
    try pieces?.drain()
    try behind.sync()
  }

  private mutating func write() throws(FileSystemError) {
    if let pieces, filled == Self.capacity {
      buffer = try pieces.write(buffer, at: written)
      return
    }
    // The rest at the end, behind all pieces.
    try pieces?.drain()
    try file.write(buffer.view(count: filled), at: written)
    behind.note(written + UInt64(filled))
  }
}

/// What follows the writes of a file that grows, whoever makes them.
private final class FileBehind: @unchecked Sendable {
  // @unchecked: told of one write at a time, and asked to sync when there is none.
  private let file: any File
  private var sending = WriteBehind()
  private let syncing: SyncBehind?

  init(_ file: any File, syncs: Bool) {
    self.file = file
    syncing = syncs ? SyncBehind(file) : nil
  }

  func note(_ end: UInt64) {
    sending.note(end, of: file)
    syncing?.note(end)
  }

  func sync() throws(FileSystemError) {
    if let syncing { try syncing.finish() } else { try file.sync() }
  }
}
