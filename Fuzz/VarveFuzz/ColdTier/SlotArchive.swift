import VarveFormat

@testable import Varve

/// The file `slots` as an input: without the zeros behind what stands in its cells.
///
/// ```
/// u32 bytes of the file | 16 bytes: whose it is | entry 64 bytes | u16 count | bytes of cell 1 | entry | count | bytes of cell 2 ...
/// ```
///
/// Any bytes are one: what is missing at the end is zeros.
struct SlotArchive {
  struct Cell {
    var entry: [UInt8]
    var bytes: [UInt8]
  }

  private static let mostCells = 3
  private static let mostBytes = (mostCells + 1) * SlotFile.unitBytes

  var size: Int
  /// The store that looks into it.
  let storeID: FileID
  var cells: [Cell] = []

  init(_ bytes: [UInt8]) {
    let start = Signed(bytes, isRepaired: false)
    size = min(Int(start.uint32(at: 0)), Self.mostBytes)
    storeID = FileID(low: start.uint64(at: 4), high: start.uint64(at: 12))
    var rest = bytes.dropFirst(20)
    while cells.count < Self.mostCells, !rest.isEmpty {
      let entry = Array(rest.prefix(SlotEntry.byteCount))
      rest = rest.dropFirst(SlotEntry.byteCount)
      let count = rest.prefix(2).reversed().reduce(0) { $0 << 8 | Int($1) }
      let bytes = Array(rest.dropFirst(2).prefix(count))
      rest = rest.dropFirst(2 + count)
      let zeros = [UInt8](repeating: 0, count: SlotEntry.byteCount - entry.count)
      cells.append(Cell(entry: entry + zeros, bytes: bytes))
    }
  }

  /// The first cells of a real file.
  init(of file: [UInt8], storeID: FileID) {
    size = min(file.count, Self.mostBytes)
    self.storeID = storeID
    for unit in 1...Self.mostCells where unit * SlotFile.unitBytes < file.count {
      let start = unit * SlotEntry.byteCount
      let cell = file[(unit * SlotFile.unitBytes)...].prefix(SlotFile.unitBytes)
      let zeros = cell.reversed().prefix { $0 == 0 }.count
      cells.append(
        Cell(
          entry: Array(file[start..<start + SlotEntry.byteCount]),
          bytes: Array(cell.dropLast(zeros).prefix(Int(UInt16.max)))))
    }
  }

  /// As an input.
  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.uint32(UInt32(size))
    writer.uint64(storeID.low)
    writer.uint64(storeID.high)
    for cell in cells {
      writer.append(cell.entry)
      writer.uint16(UInt16(cell.bytes.count))
      writer.append(cell.bytes)
    }
    return writer.bytes
  }

  /// As the cache reads it.
  var file: [UInt8] {
    var file = [UInt8](repeating: 0, count: Self.mostBytes)
    for (index, cell) in cells.enumerated() {
      for (start, bytes) in [
        ((index + 1) * SlotEntry.byteCount, cell.entry),
        ((index + 1) * SlotFile.unitBytes, cell.bytes),
      ] { file.replaceSubrange(start..<start + bytes.count, with: bytes) }
    }
    return Array(file.prefix(size))
  }
}
