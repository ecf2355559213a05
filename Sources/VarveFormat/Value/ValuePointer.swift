/// Where a large value lies: the value of an entry of kind `.pointer`. Spec: value-file.md.
///
/// ```
///  0  file number     u64
///  8  offset          u64, of the value's first stored byte
/// 16  stored length   u32, bytes in the file
/// 20  full length     u32, bytes of the value
/// 24  checksum        u32, CRC-32C over (file identity, offset, stored bytes)
/// 28  codec           u8
/// 29  reserved        3 bytes, zero
/// ```
@usableFromInline
package struct ValuePointer: Equatable, Sendable {
  @inlinable package static var byteCount: Int { 32 }

  package var file: UInt64
  package var offset: UInt64
  package var storedCount: UInt32
  package var fullCount: UInt32
  package var checksum: UInt32
  package var codec: Codec

  package init(
    file: UInt64, offset: UInt64, storedCount: UInt32, fullCount: UInt32, checksum: UInt32,
    codec: Codec
  ) {
    self.file = file
    self.offset = offset
    self.storedCount = storedCount
    self.fullCount = fullCount
    self.checksum = checksum
    self.codec = codec
  }
}

/// How stored bytes are compressed. The numbers are stored and keep their meaning for ever.
@frozen
@usableFromInline
package enum Codec: UInt8, Sendable, CaseIterable {
  case none = 0
  case lz4 = 1
  case zstd = 2
}

extension ValuePointer {
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.byteCount)
    encode(to: &writer)
    return writer.bytes
  }

  package func encode(to writer: inout ByteWriter) {
    writer.uint64(file)
    writer.uint64(offset)
    writer.uint32(storedCount)
    writer.uint32(fullCount)
    writer.uint32(checksum)
    writer.uint8(codec.rawValue)
    writer.zeros(3)
  }

  package init(decoding bytes: ByteView, at base: UInt64 = 0) throws(FormatError) {
    if let sound = Self(sound: bytes) {
      self = sound
    } else {
      try self.init(checking: bytes, at: base)
    }
  }

  /// The pointer, where nothing is wrong with it: the shortest way, for each read of a large value waits
  /// for it. Nil where there is anything to say.
  @inline(__always)
  private init?(sound bytes: ByteView) {
    guard bytes.count == Self.byteCount, let file = bytes.uint64(at: 0),
      let offset = bytes.uint64(at: 8), let counts = bytes.uint64(at: 16),
      let rest = bytes.uint64(at: 24), rest >> 40 == 0,
      let codec = Codec(rawValue: UInt8(truncatingIfNeeded: rest >> 32))
    else { return nil }
    self.init(
      file: file, offset: offset, storedCount: UInt32(truncatingIfNeeded: counts),
      fullCount: UInt32(truncatingIfNeeded: counts >> 32),
      checksum: UInt32(truncatingIfNeeded: rest), codec: codec)
    guard isWithinLimits else { return nil }
  }

  private var isWithinLimits: Bool {
    fullCount <= Limits.valueBytes && storedCount <= fullCount
      && (codec != .none || storedCount == fullCount)
  }

  /// Field by field, naming what is wrong.
  private init(checking bytes: ByteView, at base: UInt64) throws(FormatError) {
    var reader = ByteReader(bytes, .valuePointer, at: base)
    file = try reader.uint64()
    offset = try reader.uint64()
    storedCount = try reader.uint32()
    fullCount = try reader.uint32()
    checksum = try reader.uint32()
    let start = reader
    guard let codec = Codec(rawValue: try reader.uint8()) else {
      throw start.error(.value("codec"))
    }
    self.codec = codec
    try reader.zeros(3, "reserved bytes")
    try reader.end()
    guard isWithinLimits else {
      throw FormatError(.valuePointer, .limit("value length"), at: base &+ 16)
    }
  }
}
