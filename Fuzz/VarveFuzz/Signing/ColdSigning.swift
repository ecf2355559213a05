import VarveFormat

@testable import Varve

// What a machine keeps of files that lie in its bucket.

extension Signed {
  /// Signs what is kept of a file's ends; repaired, it is as long as the file's size and tail say.
  mutating func signTail() {
    let start = TailExam.prefix
    guard count >= start + 20 else { return }
    if isRepaired {
      let ends = count - start - 20
      let tail = max(0, ends - FileHeader.byteCount)
      put(UInt64(ends) + (tail > 0 ? uint64(at: 0) % 1_000 : 0), at: 0)
      put(UInt32(tail), at: 8)
      for index in 0..<16 { put(byte(at: 12 + index), at: start + index) }
    }
    put(checksum(of: start..<count - 4), at: count - 4)
  }

  /// Signs cells and their entries.
  mutating func signSlots() {
    var archive = SlotArchive(bytes)
    for index in archive.cells.indices {
      let bytes = archive.cells[index].bytes
      var entry = Signed(archive.cells[index].entry, isRepaired: isRepaired)
      entry.signSlotEntry(of: bytes, archive.storeID)
      archive.cells[index].entry = entry.bytes
    }
    if isRepaired { archive.size = (archive.cells.count + 1) * SlotFile.unitBytes }
    replace(with: archive.bytes)
  }

  private mutating func signSlotEntry(of cell: [UInt8], _ storeID: FileID) {
    // Zeros are no entry, and stay none.
    guard uint32(at: 4) != 0 else { return }
    if isRepaired {
      put(1 + (uint32(at: 4) - 1) % UInt32(SlotFile.unitBytes), at: 4)
      put(storeID.low, at: 8)
      put(storeID.high, at: 16)
      put(UInt32(1), at: 52)
      put(UInt64(0), at: 56)
    }
    let stored = Int(min(uint32(at: 4), UInt32(SlotFile.unitBytes)))
    let bytes = Array(
      (cell + [UInt8](repeating: 0, count: max(0, stored - cell.count))).prefix(stored))
    put(Signed(bytes, isRepaired: false).checksum(of: 0..<stored), at: 48)
    put(checksum(of: 4..<SlotEntry.byteCount), at: 0)
  }
}
