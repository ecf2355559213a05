import VarveFormat

extension Signed {
  /// Signs a value file: its header, and records as far as one leads to the next.
  mutating func signValueFile() {
    signHeader(.values)
    var end = FileHeader.byteCount
    var values: [UInt64] = [0, 0]
    while let header = recordHeader(after: end) {
      let behind = header + ValueRecord.headerBytes
      let room = UInt64(count - behind)
      switch byte(at: header) {
      case 1:
        if isRepaired, uint64(at: header + 8) > room { put(room, at: header + 8) }
        let stored = min(uint64(at: header + 8), room)
        if isRepaired, byte(at: header + 1) == 0 { put(stored, at: header + 16) }
        end = behind + Int(stored)
        values = [values[0] + 1, values[1] + stored]
        put(checksum(of: behind..<end, after: context(id, behind)), at: header + 4)
      case 2:
        if isRepaired, uint64(at: header + 8) > room { put(room, at: header + 8) }
        end = behind + Int(min(uint64(at: header + 8), room))
      default:
        if isRepaired {
          for (index, sum) in values.enumerated() { put(sum, at: header + 8 + 8 * index) }
        }
        end = count
      }
      put(checksum(of: header..<header + 28, after: context(id, header)), at: header + 28)
    }
  }

  /// Where the next record begins: at the first eight bytes that are not zero.
  private func recordHeader(after end: Int) -> Int? {
    var place = (end + 7) & ~7
    while place <= count - 8, uint64(at: place) == 0 { place += 8 }
    return place <= count - ValueRecord.headerBytes ? place : nil
  }
}
