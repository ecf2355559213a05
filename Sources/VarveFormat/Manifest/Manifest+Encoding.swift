// The manifest as bytes. Spec: manifest.md.
//
// ```
//    0  file header     64 bytes: number, identity = store id, store tag = its low half
//   64  body length     u32, n
//   68  reserved        u32, zero
//   72  body            n bytes
// 72+n  checksum        u32, CRC-32C of (number, store id low, store id high, bytes 64..<72+n)
//       the file ends here
//
// body: predecessor digest  32 bytes      log count      varint; logs
//       next file number    u64           segment count  varint; segments
//       last sequence       u64           value files    varint; value files
//       log floor           u64           fields
//       time floor          u64
//       flags               u8, bit 0 = cleanly closed
// ```

extension Manifest {
  /// Bytes before the body.
  static let prefixBytes = FileHeader.byteCount + 8
  static let cleanlyClosedFlag: UInt8 = 1
  static let digestBytes = 32

  /// The file of this version. The same manifest always makes the same bytes.
  ///
  /// Traps where a digest or the whole has a size that cannot be read back; ``checkRules()`` tells
  /// whether the records agree with each other.
  package func encoded() -> [UInt8] {
    let body = encodedBody()
    precondition(body.count <= Limits.manifestBytes)
    var writer = ByteWriter(reserving: Self.prefixBytes + body.count + 4)
    writer.append(fileHeader.encoded())
    writer.uint32(UInt32(body.count))
    writer.zeros(4)
    writer.append(body)
    let sum = writer.bytes.withByteView { file in
      Self.checksum(of: file.dropping(FileHeader.byteCount), fileHeader)
    }
    writer.uint32(sum)
    return writer.bytes
  }

  private var fileHeader: FileHeader {
    var header = FileHeader(.manifest, number: number, identity: storeID, storeTag: storeID.low)
    header.readCompatibleFlags = readCompatibleFlags
    return header
  }

  /// The checksum of everything between the file header and itself.
  static func checksum(of bytes: ByteView, _ header: FileHeader) -> UInt32 {
    var sum = CRC32C()
    sum.append(header.number)
    sum.append(header.identity.low)
    sum.append(header.identity.high)
    sum.append(bytes)
    return sum.value
  }

  private func encodedBody() -> [UInt8] {
    var writer = ByteWriter(reserving: 128 + segments.count * 192)
    precondition(predecessorDigest.count == Self.digestBytes)
    writer.append(predecessorDigest)
    writer.uint64(nextFileNumber)
    writer.uint64(lastSequence.rawValue)
    writer.uint64(logFloor)
    writer.uint64(timeFloor)
    writer.uint8(isCleanlyClosed ? Self.cleanlyClosedFlag : 0)
    writer.varint(UInt64(logs.count))
    for log in logs { log.encode(to: &writer) }
    writer.varint(UInt64(segments.count))
    for segment in segments { segment.encode(to: &writer) }
    writer.varint(UInt64(valueFiles.count))
    for file in valueFiles { file.encode(to: &writer) }
    ManifestFields().encode(to: &writer)
    return writer.bytes
  }
}

extension LogExtent {
  func encode(to writer: inout ByteWriter) {
    writer.varint(number)
    writer.varint(length)
    writer.varint(lastSequence.rawValue)
  }
}

extension SegmentRecord {
  func encode(to writer: inout ByteWriter) {
    writer.varint(number)
    writer.uint64(id.low)
    writer.uint64(id.high)
    writer.uint8(level)
    writer.varint(size)
    for key in [smallestKey, largestKey] {
      writer.varint(UInt64(key.count))
      writer.append(key)
    }
    for number in [
      smallestSequence.rawValue, largestSequence.rawValue, entryCount, keyCount, deleteCount,
      expiringCount, earliestExpiry, latestExpiry, rawBytes, UInt64(valueReferences.count),
    ] { writer.varint(number) }
    for reference in valueReferences {
      writer.varint(reference.file)
      writer.varint(reference.count)
      writer.varint(reference.bytes)
    }
    var fields = ManifestFields()
    if !digest.isEmpty { fields.append(ManifestFields.digestTag, digest) }
    fields.encode(to: &writer)
  }
}

extension ValueFileRecord {
  func encode(to writer: inout ByteWriter) {
    writer.varint(number)
    writer.uint64(id.low)
    writer.uint64(id.high)
    writer.varint(size)
    writer.varint(valueCount)
    writer.varint(valueBytes)
    var fields = ManifestFields()
    if isOrdered { fields.append(ManifestFields.orderedTag, []) }
    fields.encode(to: &writer)
  }
}
