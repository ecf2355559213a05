/// What the objects that Varve itself makes in a bucket begin with, and the checksum at their end.
/// Spec: bucket.md, "Frame".
///
/// ```
///  0  magic               "VarveObj"
///  8  format version      u16, 0
/// 10  kind                u16
/// 12  incompatible flags  u32, 0
/// 16  number              u64
/// 24  store id            16 bytes
/// 40  body length         u32, n
/// 44  checksum            u32, CRC-32C of bytes 0..<44
/// 48  body                n bytes
/// 48 + n  checksum        u32, CRC-32C of (kind, number, store id low, store id high, body)
/// ```
package struct ObjectFrame: Equatable, Sendable {
  package enum Kind: UInt16, Sendable, CaseIterable {
    case store = 1
    case manifest = 2
    case pin = 3
    /// On disk: what a store knows of its bucket.
    case tie = 4
    case log = 5
  }

  package static let byteCount = 48
  /// Bytes of the largest object.
  package static let mostBytes = byteCount + mostBodyBytes + 4
  static let mostBodyBytes = 1 << 29
  package static let currentVersion: UInt16 = 0
  static let magic: [UInt8] = Array("VarveObj".utf8)

  package var kind: Kind
  package var number: UInt64
  package var storeID: FileID

  package init(_ kind: Kind, number: UInt64 = 0, storeID: FileID) {
    self.kind = kind
    self.number = number
    self.storeID = storeID
  }

  func checksum(of body: ByteView) -> UInt32 {
    var sum = CRC32C()
    for part in [UInt64(kind.rawValue), number, storeID.low, storeID.high] { sum.append(part) }
    sum.append(body)
    return sum.value
  }
}

// MARK: - Decoding

extension ObjectFrame {
  /// Reads the frame of `object`, which must be of `kind`; returns it and a reader over the body, whose
  /// checksum holds.
  static func decode(
    _ object: ByteView, as kind: Kind, _ structure: FormatError.Structure
  ) throws(FormatError) -> (ObjectFrame, ByteReader) {
    let frame = try ObjectFrame(heading: object, as: kind)
    return (frame, try frame.body(of: object, structure))
  }

  /// Whether `object` begins as one of ours does.
  package static func begins(_ object: ByteView) -> Bool {
    magic.withByteView { object.starts(with: $0) }
  }

  /// Reads the frame alone, of `kind` or of any that is known.
  package init(heading object: ByteView, as kind: Kind? = nil) throws(FormatError) {
    var reader = ByteReader(object, .bucketObject)
    guard Self.begins(try reader.view(Self.magic.count)) else {
      throw FormatError(.bucketObject, .magic, at: 0)
    }
    try Self.checkFrame(of: object)
    let version = try reader.uint16()
    guard version == Self.currentVersion else {
      throw FormatError(.bucketObject, .version(version), at: 8)
    }
    guard let found = Kind(rawValue: try reader.uint16()), found == kind ?? found else {
      throw FormatError(.bucketObject, .value("kind"), at: 10)
    }
    let flags = try reader.uint32()
    guard flags == 0 else { throw FormatError(.bucketObject, .features(flags), at: 12) }
    self.init(
      found, number: try reader.uint64(),
      storeID: FileID(low: try reader.uint64(), high: try reader.uint64()))
  }

  private static func checkFrame(of object: ByteView) throws(FormatError) {
    guard let covered = object.part(at: 0, count: byteCount - 4),
      let stored = object.uint32(at: byteCount - 4)
    else { throw FormatError(.bucketObject, .truncated, at: UInt64(object.count)) }
    let computed = CRC32C.checksum(of: covered)
    guard stored == computed else {
      throw FormatError(.bucketObject, .checksum(stored: stored, computed: computed), at: 44)
    }
  }

  private func body(
    of object: ByteView, _ structure: FormatError.Structure
  ) throws(FormatError) -> ByteReader {
    guard let stated = object.uint32(at: 40), stated <= UInt32(Self.mostBodyBytes) else {
      throw FormatError(.bucketObject, .limit("body length"), at: 40)
    }
    let length = Int(stated)
    guard let body = object.part(at: Self.byteCount, count: length),
      let stored = object.uint32(at: Self.byteCount &+ length)
    else { throw FormatError(.bucketObject, .truncated, at: UInt64(object.count)) }
    let end = Self.byteCount &+ length
    let computed = checksum(of: body)
    guard stored == computed else {
      throw FormatError(
        .bucketObject, .checksum(stored: stored, computed: computed), at: UInt64(end))
    }
    guard object.count == end &+ 4 else {
      throw FormatError(.bucketObject, .excess, at: UInt64(end &+ 4))
    }
    return ByteReader(body, structure, at: UInt64(Self.byteCount))
  }
}
