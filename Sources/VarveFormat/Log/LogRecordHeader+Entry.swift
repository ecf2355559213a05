// The short header of an entry record: one entry on its own is the most common commit of all, and each
// byte of it is written once more than the user asked for. Spec: log.md, "Entry record".
//
//   0  header checksum    u32, CRC-32C of (log number, salt, record offset, bytes 4..<24)
//   4  payload checksum   u32, CRC-32C of (log number, salt, record offset, payload)
//   8  payload length     u16
//  10  watermark lag      u8
//  11  key length         u8
//  12  type               u8: 0x10 and the entry's kind; all of 0x10 to 0x1f have this header
//  13  first sequence     u56
//  20  watermark          u32, its offset / 16; 0 for none
//  24  keyspace number, key, value

extension LogRecordHeader {
  /// Bytes of the header of an entry record.
  package static var entryByteCount: Int { 24 }

  /// Whether a record of this type, known or not, has the short header.
  package static func isOfEntry(type: UInt8) -> Bool { type & 0xf0 == 0x10 }

  /// Whether an entry without an expiry fits into an entry record of the log `identity`.
  static func fitsEntry(
    keyCount: Int, valueCount: Int, watermark: LogPosition, identity: LogIdentity
  ) -> Bool {
    keyCount <= UInt8.max
      && Limits.keyspacePrefixBytes &+ keyCount &+ valueCount <= UInt16.max
      && (watermark == .none
        || identity.number &- watermark.log <= UInt8.max
          && watermark.offset / UInt64(alignment) <= UInt32.max)
  }
}

// MARK: - Encoding

extension LogRecordHeader {
  /// The header of an entry record that fits, as three little-endian numbers.
  func entryWords(identity: LogIdentity, offset: UInt64) -> (UInt64, UInt64, UInt64) {
    let lag = watermark == .none ? 0 : identity.number &- watermark.log
    let sequence = firstSequence.rawValue
    let lengths = UInt64(truncatingIfNeeded: payloadCount | keyCount << 24) | lag << 16
    let middle = lengths | UInt64(type) << 32 | sequence << 40
    let place = watermark.offset / UInt64(Self.alignment)
    let last = sequence >> 24 | place << 32
    let stored = (
      (UInt64(payloadChecksum) << 32).littleEndian, middle.littleEndian, last.littleEndian
    )
    var sum = identity.context(at: offset)
    unsafe withUnsafeBytes(of: stored) { bytes in
      unsafe sum.append(ByteView(unsafeBuffer: bytes).dropping(4))
    }
    return (UInt64(payloadChecksum) << 32 | UInt64(sum.value), middle, last)
  }
}

// MARK: - Decoding

extension LogRecordHeader {
  /// Reads and checks the header of an entry record whose checksum holds.
  init(ofEntry bytes: ByteView, identity: LogIdentity, offset: UInt64) throws(FormatError) {
    func error(_ fault: FormatError.Fault, at place: UInt64) -> FormatError {
      FormatError(.logRecord, fault, at: offset &+ place)
    }
    guard let first = bytes.uint64(at: 0), let middle = bytes.uint64(at: 8),
      let last = bytes.uint64(at: 16)
    else { throw error(.truncated, at: 0) }
    payloadChecksum = UInt32(first >> 32)
    payloadCount = Int(middle & 0xffff)
    keyCount = Int(middle >> 24 & 0xff)
    type = UInt8(middle >> 32 & 0xff)
    firstSequence = SequenceNumber(middle >> 40 | (last & 0xffff_ffff) << 24)
    guard let kind = LogRecordType(rawValue: type)?.entryKind else {
      throw error(.features(UInt32(type)), at: 12)
    }
    guard Self.areValid(payloadCount: payloadCount, keyCount: keyCount, of: kind) else {
      throw error(.value("payload length"), at: 8)
    }
    guard firstSequence > .zero else { throw error(.limit("sequence number"), at: 13) }
    let watermark = Self.watermark(
      middle >> 16 & 0xff, last >> 32 &* UInt64(Self.alignment), identity, offset)
    guard let watermark else { throw error(.value("watermark"), at: 20) }
    self.watermark = watermark
  }

  /// Whether the lengths are those of an entry of this kind.
  private static func areValid(payloadCount: Int, keyCount: Int, of kind: EntryKind) -> Bool {
    let valueCount = payloadCount &- Limits.keyspacePrefixBytes &- keyCount
    return switch kind {
    case .put: valueCount >= 0
    case .delete: valueCount == 0
    case .pointer: valueCount == ValuePointer.byteCount
    case .rangeDelete: false
    }
  }
}
