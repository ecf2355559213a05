/// What stands in one cell of the file `slots`: a slot, 64 KiB of a cold file. Spec: bucket.md, "Slot cache".
///
/// ```
///  0  checksum        u32, CRC-32C of bytes[4..<64]
///  4  count           u32, bytes of the slot: 1 to 65,536
///  8  store id        16 bytes
/// 24  file            16 bytes, the first half of its SHA-256
/// 40  slot            u64, number of the slot in the file
/// 48  slot checksum   u32, CRC-32C of the slot's bytes
/// 52  version         u32, 1
/// 56  zeros           8 bytes
/// ```
package struct SlotEntry: Equatable, Sendable {
  package static let byteCount = 64
  /// Bytes of a slot, of a cell, and of a table.
  package static let slotBytes = 64 << 10
  private static let currentVersion: UInt32 = 1

  package var storeID: FileID
  package var file: FileID
  package var slot: UInt64
  package var count: Int
  /// Of the bytes in the cell.
  package var checksum: UInt32

  package init(storeID: FileID, file: FileID, slot: UInt64, count: Int, checksum: UInt32) {
    self.storeID = storeID
    self.file = file
    self.slot = slot
    self.count = count
    self.checksum = checksum
  }

  /// Nil for anything that is not wholly an entry: nobody is told, since nothing is lost.
  package init?(decoding bytes: ByteView) {
    guard let entry = bytes.part(at: 0, count: Self.byteCount),
      // Most entries of a table are empty: no checksum for those.
      entry.uint32(at: 4) != 0, entry.uint32(at: 0) == CRC32C.checksum(of: entry.dropping(4)),
      let fields = try? Self.fields(entry.dropping(4))
    else { return nil }
    self = fields
  }

  private static func fields(_ bytes: ByteView) throws(FormatError) -> SlotEntry? {
    var reader = ByteReader(bytes, .bucketObject, at: 4)
    let count = try reader.uint32()
    let storeID = FileID(low: try reader.uint64(), high: try reader.uint64())
    let file = FileID(low: try reader.uint64(), high: try reader.uint64())
    let (slot, checksum) = (try reader.uint64(), try reader.uint32())
    guard try reader.uint32() == currentVersion, (1...slotBytes).contains(Int(count)) else {
      return nil
    }
    try reader.zeros(8, "zeros")
    return SlotEntry(
      storeID: storeID, file: file, slot: slot, count: Int(count), checksum: checksum)
  }

  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.byteCount)
    writer.uint32(UInt32(count))
    for number in [storeID.low, storeID.high, file.low, file.high, slot] { writer.uint64(number) }
    writer.uint32(checksum)
    writer.uint32(Self.currentVersion)
    writer.uint64(0)
    var entry = ByteWriter(reserving: Self.byteCount)
    entry.uint32(writer.bytes.withByteView(CRC32C.checksum(of:)))
    entry.append(writer.bytes)
    return entry.bytes
  }
}
