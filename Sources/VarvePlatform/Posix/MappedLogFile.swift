import Synchronization
import VarveFormat

/// A log file that is appended to by storing into a mapping of it.
///
/// ```
///   0            end of the log     ready               written                  capacity
///   |############|..................|-------------------|--------------------------|
///                 stores go here     zeros, or an        never written, or
///                                    earlier life        an earlier life
/// ```
///
/// A file that was written once finds, at each store, its block allocated and its page in memory, and a
/// sync has nothing to record but what was stored. So the leader writes zeros a little ahead of itself,
/// in a file's first life, and makes the pages present: a tenth of what a write for each record costs.
/// Stores survive the end of the process as writes do; the sync of the file makes them durable.
///
/// A header is written, not stored: its page may have gone while the file waited for another life. So
/// are large records, for which nothing is gained, and the first ones after a sync: it has made the
/// pages clean, and to store into a clean page costs more than a write. What is left is a disk that fails while the log waits
/// between two records, which is the same for every mapped file.
@safe
final class MappedLogFile: LogFile, @unchecked Sendable {
  // @unchecked: what varies and is not atomic belongs to the one thread at a time that appends.

  let capacity: UInt64
  private let file: PosixFile
  private let mapping: StoredMapping
  /// Up to here every byte was written once, in this life or an earlier one.
  private var written: Int
  /// Up to here pages are present.
  private var ready = 0
  private let syncs = Atomic(0)
  private var seenSyncs = 0
  private var writesLeft = 0
  /// What the file itself knows, for those who do not come by it.
  private let isClosed = Atomic(false)

  /// How much is made ready at a time: not more, since all of it is written by the next sync.
  private static let readyBytes = 64 << 10
  /// Larger pieces make large pages in the system's cache, of which a sync writes all for one record.
  private static let pieceBytes = 16 << 10
  private static let pageBytes = 4 << 10
  /// How many appends after a sync are written: who syncs each of his writes never stores.
  private static let writesAfterSync = 16
  private static let zeros = [UInt8](repeating: 0, count: pieceBytes)

  /// Nil where stores are not as safe as writes, and where the system cannot make pages present.
  ///
  /// - Parameter capacity: bytes of the file that are allocated.
  convenience init?(_ file: PosixFile, capacity: UInt64) throws(FileSystemError) {
    guard let count = Int(exactly: capacity), count > 0,
      let mapping = try file.use(.map, { StoredMapping(of: $0, 0..<count) }),
      // An old system says so at once.
      mapping.populate(from: 0, to: min(count, Self.pageBytes)) == 0
    else { return nil }
    self.init(file, mapping, written: 0)
  }

  private init(_ file: PosixFile, _ mapping: StoredMapping, written: Int) {
    self.file = file
    self.mapping = mapping
    self.written = written
    capacity = UInt64(mapping.count)
  }

  var name: String { file.name }

  var isReusable: Bool { true }

  func renamed(_ name: String) -> any LogFile {
    MappedLogFile(file.renamed(name), mapping, written: written)
  }

  func writeHeader(_ header: ByteView) throws(FileSystemError) { try file.write(header, at: 0) }

  func append(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    guard !isClosed.load(ordering: .relaxed) else {
      throw FileSystemError(.write, .closed, path: name)
    }
    let start = Int(clamping: offset)
    let (end, overflow) = start.addingReportingOverflow(bytes.count)
    if isWrittenBetter() {
      try file.write(bytes, at: offset)
      written = max(written, min(end, mapping.count))
    } else if !overflow, end <= ready {
      mapping.store(bytes, at: start)
    } else if !overflow, end <= mapping.count, bytes.count < Self.pieceBytes,
      try makeReady(from: start, to: end)
    {
      mapping.store(bytes, at: start)
    } else {
      try file.write(bytes, at: offset)
      written = max(written, min(end, mapping.count))
    }
  }

  func sync() throws(FileSystemError) {
    syncs.wrappingAdd(1, ordering: .relaxed)
    try file.sync()
  }

  func truncate(to size: UInt64) throws(FileSystemError) { try file.truncate(to: size) }

  func close() throws(FileSystemError) {
    isClosed.store(true, ordering: .relaxed)
    try file.close()
  }
}

// MARK: - Making ready

extension MappedLogFile {
  /// Whether the file was synced a moment ago.
  @inline(__always)
  private func isWrittenBetter() -> Bool {
    let syncs = syncs.load(ordering: .relaxed)
    if syncs != seenSyncs {
      seenSyncs = syncs
      writesLeft = Self.writesAfterSync
    }
    guard writesLeft > 0 else { return false }
    writesLeft &-= 1
    return true
  }

  /// Sees to it that the bytes from `start`, where the log ends, to `end` and some more can be stored
  /// into; false where they must be written.
  private func makeReady(from start: Int, to end: Int) throws(FileSystemError) -> Bool {
    let last = min(Self.up(end, to: Self.readyBytes), mapping.count)
    try writeZeros(from: max(start, written), to: last)
    // What the system cannot do here it says of the write as well, or does.
    let first = start & ~(Self.readyBytes &- 1)
    guard mapping.populate(from: first, to: last) == 0 else { return false }
    ready = last
    return true
  }

  private func writeZeros(from first: Int, to last: Int) throws(FileSystemError) {
    var start = first
    while start < last {
      // From one multiple of a piece to the next, whatever the beginning.
      let end = min(last, Self.up(start &+ 1, to: Self.pieceBytes))
      try Self.zeros.withByteView { zeros throws(FileSystemError) in
        try file.write(zeros.prefix(end - start), at: UInt64(start))
      }
      start = end
    }
    written = max(written, last)
  }

  private static func up(_ number: Int, to unit: Int) -> Int {
    (number &+ unit &- 1) & ~(unit &- 1)
  }
}
