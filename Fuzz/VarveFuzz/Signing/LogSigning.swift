import VarveFormat

extension Signed {
  /// Signs the header of a log and its records up to the first that does not end within the file.
  mutating func signLog() {
    signHeader(.log)
    var offset = FileHeader.byteCount
    var sequence = uint64(at: offset + 16)
    while offset <= count - LogRecordHeader.byteCount {
      let shape = RecordShape(self, at: offset)
      guard shape.type != 0 else { return }
      let payload = offset + shape.headerBytes
      var length = shape.payloadCount(self, at: offset)
      if length > count - payload {
        length = max(0, count - payload)
        if isRepaired { shape.put(length, at: offset, in: &self) }
      }
      if isRepaired {
        sequence = shape.follow(sequence, at: offset, payload, in: &self)
      }
      signRecord(at: offset, shape.headerBytes, payload..<payload + length)
      offset = (payload + length + 15) & ~15
    }
  }

  private mutating func signRecord(at offset: Int, _ headerBytes: Int, _ payload: Range<Int>) {
    let context = [uint64(at: 24), uint64(at: 32), UInt64(offset)]
    put(payload.isEmpty ? 0 : checksum(of: payload, after: context), at: offset + 4)
    put(checksum(of: offset + 4..<offset + headerBytes, after: context), at: offset)
  }
}

/// Where the fields of one record stand: an entry's has a shorter header.
private struct RecordShape {
  let type: UInt8
  let isOfEntry: Bool

  init(_ file: Signed, at offset: Int) {
    type = file.byte(at: offset + 12)
    isOfEntry = LogRecordHeader.isOfEntry(type: type)
  }

  var headerBytes: Int { isOfEntry ? 24 : LogRecordHeader.byteCount }

  func payloadCount(_ file: Signed, at offset: Int) -> Int {
    isOfEntry ? Int(file.uint16(at: offset + 8)) : Int(file.uint32(at: offset + 8))
  }

  func put(_ payloadCount: Int, at offset: Int, in file: inout Signed) {
    if isOfEntry {
      file.put(UInt16(truncatingIfNeeded: payloadCount), at: offset + 8)
    } else {
      file.put(UInt32(truncatingIfNeeded: payloadCount), at: offset + 8)
    }
  }

  /// Gives the record the first sequence number that it must have; returns the next one's.
  func follow(
    _ sequence: UInt64, at offset: Int, _ payload: Int, in file: inout Signed
  ) -> UInt64 {
    let own = isOfEntry ? file.uint64(at: offset + 12) >> 8 : file.uint64(at: offset + 16)
    let first = sequence == 0 ? max(1, own) : sequence
    if isOfEntry {
      file.put(first << 8 | UInt64(type), at: offset + 12)
      return first &+ 1
    }
    file.put(first, at: offset + 16)
    return type == LogRecordType.batch.rawValue ? first &+ UInt64(file.uint32(at: payload)) : first
  }
}
