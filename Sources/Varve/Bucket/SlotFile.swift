import VarveFormat
import VarvePlatform

/// The file `slots`, written in place. Spec: bucket.md, "Slot cache".
///
/// ```
///   units of 64 KiB:  | table | cell 1 | cell 2 | ... | cell 1023 | table | cell 1025 | ...
///                         \______________ entry i: what is in cell i of the 1023 behind
/// ```
///
/// It is never synced: what stands in it counts where an entry and its cell agree, and is fetched where not.
struct SlotFile: Sendable {
  static let unitBytes = SlotEntry.slotBytes
  /// Units of a table and its cells.
  static let group = unitBytes / SlotEntry.byteCount

  private let file: any File

  /// The file as it is; nil where there is none.
  static func open(
    in directory: any Directory, forWriting: Bool
  ) throws(FileSystemError) -> SlotFile? {
    do throws(FileSystemError) {
      return SlotFile(
        file: forWriting
          ? try directory.openForWriting(FileName.slots) : try directory.open(FileName.slots))
    } catch {
      guard error.reason == .notFound else { throw error }
      return nil
    }
  }

  static func create(in directory: any Directory) throws(FileSystemError) -> SlotFile {
    SlotFile(file: try directory.create(FileName.slots))
  }

  static func isTable(_ unit: Int) -> Bool { unit % group == 0 }

  private static func offset(of unit: Int) -> UInt64 { UInt64(unit) * UInt64(unitBytes) }

  private static func entryOffset(of cell: Int) -> UInt64 {
    offset(of: cell / group * group) + UInt64(cell % group * SlotEntry.byteCount)
  }
}

// MARK: - Reading and writing

extension SlotFile {
  /// Units that the file reaches into.
  func unitCount() throws(FileSystemError) -> Int {
    let size = try file.size().addingStated(UInt64(Self.unitBytes - 1))
    return Int(clamping: size / UInt64(Self.unitBytes))
  }

  /// Gives back the room behind so many units.
  func cut(to units: Int) throws(FileSystemError) { try file.truncate(to: Self.offset(of: units)) }

  /// The entries of the cells behind a table; `buffer` has room for a unit.
  func entries(
    behind table: Int, _ buffer: AlignedBuffer
  ) throws(FileSystemError) -> [(cell: Int, entry: SlotEntry)] {
    let count = try file.read(into: buffer, count: Self.unitBytes, at: Self.offset(of: table))
    let bytes = buffer.view(count: count)
    return (1..<Self.group).compactMap { index in
      SlotEntry(decoding: bytes.dropping(index * SlotEntry.byteCount)).map { (table + index, $0) }
    }
  }

  /// The bytes of a cell; nil where they are not those that were put there.
  func read(
    _ cell: Int, count: Int, checksum: UInt32
  ) throws(FileSystemError) -> CachedBlock? {
    let buffer = AlignedBuffer(capacity: count)
    let found = try file.read(into: buffer, count: count, at: Self.offset(of: cell))
    guard found == count, CRC32C.checksum(of: buffer.view()) == checksum else { return nil }
    return CachedBlock(buffer, count: count)
  }

  /// Fills a cell. In any order and torn anywhere they may reach the disk, the two do not agree then.
  func write(_ bytes: ByteView, _ entry: SlotEntry, to cell: Int) throws(FileSystemError) {
    try file.write(bytes, at: Self.offset(of: cell))
    try write(entry.encoded(), asEntryOf: cell)
  }

  /// Lets nobody take what is in the cell for anything.
  func erase(_ cell: Int) throws(FileSystemError) {
    try write([UInt8](repeating: 0, count: SlotEntry.byteCount), asEntryOf: cell)
  }

  private func write(_ entry: [UInt8], asEntryOf cell: Int) throws(FileSystemError) {
    try entry.withByteView { bytes throws(FileSystemError) in
      try file.write(bytes, at: Self.entryOffset(of: cell))
    }
  }
}
