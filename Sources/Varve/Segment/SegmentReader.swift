import VarveFormat
import VarvePlatform

/// How segments are read.
enum ReadMode: Sendable, CaseIterable {
  /// Mapped whole: raw blocks are lent in place. Files beyond those that a process should map are
  /// read like the others.
  case mapped
  /// Read block by block: every read is checked, and an I/O error is an error.
  case pread
}

/// What reading segments needs of the rest of the store.
struct SegmentEnvironment: Sendable {
  let directory: any Directory
  let mode: ReadMode
  let blocks: BlockAccess
}

/// One live segment, for any number of threads. Nothing is opened before the first read.
///
/// Values it lends hold as long as the reader lives; those of compressed blocks, and all in `pread`
/// mode, as long as the owner that comes with them.
@safe
final class SegmentReader: Sendable {
  let number: UInt64
  let id: FileID
  /// Bytes of the file, by the manifest.
  let size: UInt64
  private let environment: SegmentEnvironment
  private let opened = OpenedOnce<OpenSegment>()

  init(number: UInt64, id: FileID, size: UInt64, in environment: SegmentEnvironment) {
    self.number = number
    self.id = id
    self.size = size
    self.environment = environment
  }

  var name: String { FileName(.segment, number).description }

  /// True once something was read.
  var isOpen: Bool { unsafe opened.present != nil }

  /// The open segment, opening it the first time.
  func open() throws(StoreError) -> OpenSegment {
    try opened.object { () throws(StoreError) in try openFile() }
  }

  private func openFile(isAgain: Bool = false) throws(StoreError) -> OpenSegment {
    if environment.mode == .mapped, let mapping = try map() {
      mapping.expect(.scattered)
      return try OpenSegment.open(mapping, number: number, id: id, environment.blocks)
    }
    let file = try openPlain()
    let pieces = FilePieces(file: file, size: size)
    let found = try pieces.fileSize()
    guard found == size else {
      throw StoreError(
        FileSystemError(.read, .size(expected: size, found: found), path: name))
    }
    do throws(StoreError) {
      let segment = try OpenSegment.open(pieces, number: number, id: id, environment.blocks)
      // What came over a network is checked before anybody relies on it.
      if file.cold != nil { try segment.checkTail() }
      return segment
    } catch {
      guard file.cold != nil, error.code == .corrupted else { throw error }
      // Else the same bytes would come again: the way here may have changed them.
      try? file.dropCache()
      guard !isAgain else { throw error }
      return try openFile(isAgain: true)
    }
  }

  private func map() throws(StoreError) -> MappedFile? {
    do { return try environment.directory.mapped(name, size: size) } catch {
      throw StoreError(error)
    }
  }

  private func openPlain() throws(StoreError) -> ReadFile {
    do { return try ReadFile(name, in: environment.directory) } catch { throw StoreError(error) }
  }
}

// MARK: - Reading

extension SegmentReader {
  /// The newest version of `key` at or below `limit`, tombstones and pointers too; nil where the
  /// segment has none.
  ///
  /// - Parameter hash: the key's XXH64.
  @inline(__always)
  func find(
    _ key: ByteView, hash: UInt64, at limit: SequenceNumber
  ) throws(StoreError) -> FoundEntry? {
    guard let segment = unsafe opened.present else {
      return try open().find(key, hash: hash, at: limit)
    }
    return try unsafe segment.lend { segment throws(StoreError) in
      try segment.find(key, hash: hash, at: limit)
    }
  }

  /// A cursor over every version of every key. It keeps the segment's bytes alive.
  ///
  /// - Parameter fillsCache: false for compaction, which reads everything once and writes it again:
  ///   blocks then go through buffers of the cursor, and nothing that was found good before is believed.
  func cursor(fillsCache: Bool = true) throws(StoreError) -> SegmentCursor {
    SegmentCursor(try open(), scratch: try scratch(fillsCache))
  }

  /// The buffers of a cursor that leaves the cache alone; none for another.
  func scratch(_ fillsCache: Bool) throws(StoreError) -> BlockScratch? {
    if fillsCache { return nil }
    try open().checkIndex()
    return BlockScratch()
  }

  /// About how many bytes of the file hold the keys from `start` (nil: the first) up to before `end`
  /// (nil: the end). Reads the index and the block at either side.
  func approximateBytes(from start: ByteView?, to end: ByteView?) throws(StoreError) -> UInt64 {
    try open().approximateBytes(from: start, to: end)
  }

  /// About how many bytes of values in value files belong to the keys from `start` up to before
  /// `end`. Reads the blocks at the ends and a few between.
  func approximateValueBytes(from start: ByteView, to end: ByteView) throws(StoreError) -> UInt64 {
    try open().approximateValueBytes(from: start, to: end)
  }

  /// A key with about as many blocks before it as behind it.
  func middleKey() throws(StoreError) -> [UInt8] { try open().middleKey() }

  func properties() throws(StoreError) -> SegmentProperties { try open().properties }

  /// Bytes of memory, other than the mapping, that this segment holds.
  var memoryBytes: Int {
    guard let segment = unsafe opened.present else { return 0 }
    return unsafe segment.takeUnretainedValue().memoryBytes
  }
}

// MARK: - Checking

extension SegmentReader {
  /// Checks every byte with plain reads and hands each finding to `report`.
  ///
  /// - Parameter progress: called with the bytes of each piece that was read, from the same thread;
  ///   returning false stops the check. May wait, to bound the rate.
  /// - Parameter checkMeaning: what is thrown is reported; told the offset of the entry's block.
  /// - Parameter onPointer: told of every pointer to a value, with the offset of its block.
  /// - Returns: what was counted; less than there is where something could not be read.
  @discardableResult
  func verify(
    progress: @escaping (UInt64) -> Bool = { _ in true },
    checkMeaning: @escaping (EntryView, UInt64) throws(FormatError) -> Void = { _, _ in },
    onPointer: @escaping (ValuePointer, UInt64) -> Void = { _, _ in },
    _ report: @escaping (Finding) -> Void
  ) throws(StoreError) -> SegmentProperties {
    let file = try openPlain().checking()
    let verifier = SegmentVerifier(
      FilePieces(file: file, size: size), id: id, decompressor: environment.blocks.decompressor,
      progress: progress, checkMeaning: checkMeaning, onPointer: onPointer, report: report)
    verifier.run()
    do { try file.close() } catch { throw StoreError(error) }
    return verifier.counter.properties
  }
}
