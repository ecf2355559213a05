/// The 64 bytes that every file of a store begins with. Spec: directory.md, "File header".
///
/// ```
///  0  magic               8 bytes of ASCII, one for each kind
///  8  format version      u16, 0
/// 10  header length       u16, 64
/// 12  incompatible flags  u32, a reader refuses the file when it does not know one
/// 16  read-compatible     u32, a reader may read but nobody may write the file
/// 20  compatible flags    u32, may be ignored
/// 24  number              u64, of logs and manifests; zero in segments and value files
/// 32  identity            16 bytes: a log's salt (low 8), a segment's or value file's 128-bit id
/// 48  store tag           u64, which store the file belongs to; zero in segments and value files
/// 56  reserved            u32, zero
/// 60  checksum            u32, CRC-32C of bytes 0..<60
/// ```
package struct FileHeader: Equatable, Sendable {
  package static let byteCount = 64
  package static let currentVersion: UInt16 = 0

  package var kind: FileName.Kind
  package var number: UInt64
  package var identity: FileID
  package var storeTag: UInt64
  package var readCompatibleFlags: UInt32 = 0
  package var compatibleFlags: UInt32 = 0

  package init(
    _ kind: FileName.Kind, number: UInt64 = 0, identity: FileID = .zero, storeTag: UInt64 = 0
  ) {
    self.kind = kind
    self.number = number
    self.identity = identity
    self.storeTag = storeTag
  }
}

/// A 128-bit identity, drawn at random, that no two files share.
package struct FileID: Hashable, Sendable {
  package var low: UInt64
  package var high: UInt64

  package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  package static let zero = FileID(low: 0, high: 0)
}

extension FileName.Kind {
  /// The first eight bytes of a file of this kind.
  package var magic: StaticString {
    switch self {
    case .log: "VarveLog"
    case .segment: "VarveSeg"
    case .values: "VarveVal"
    case .manifest: "VarveMan"
    }
  }

  /// The kind whose magic these bytes begin with, or nil.
  package static func recognise(_ bytes: ByteView) -> FileName.Kind? {
    allCases.first { kind in
      bytes.count >= 8
        && (0..<8).allSatisfy { index in
          kind.magic.withUTF8Buffer { unsafe $0[index] } == bytes.byte(at: index)
        }
    }
  }
}

// MARK: - Encoding

extension FileHeader {
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.byteCount)
    kind.magic.withUTF8Buffer { unsafe writer.append(ByteView(unsafeBuffer: .init($0))) }
    writer.uint16(Self.currentVersion)
    writer.uint16(UInt16(Self.byteCount))
    writer.uint32(0)
    writer.uint32(readCompatibleFlags)
    writer.uint32(compatibleFlags)
    writer.uint64(number)
    writer.uint64(identity.low)
    writer.uint64(identity.high)
    writer.uint64(storeTag)
    writer.uint32(0)
    writer.uint32(writer.bytes.withByteView(CRC32C.checksum(of:)))
    return writer.bytes
  }

  /// Reads the header at the start of `file`, which must be of `kind`.
  package init(decoding file: ByteView, as kind: FileName.Kind) throws(FormatError) {
    var reader = ByteReader(file.prefix(Self.byteCount), .fileHeader)
    let magic = try reader.view(8)
    guard FileName.Kind.recognise(magic) == kind else {
      throw FormatError(.fileHeader, .magic, at: 0)
    }
    try Self.checkSum(of: file)
    let version = try reader.uint16()
    guard version == Self.currentVersion else {
      throw FormatError(.fileHeader, .version(version), at: 8)
    }
    guard try reader.uint16() == Self.byteCount else {
      throw FormatError(.fileHeader, .value("header length"), at: 10)
    }
    let incompatible = try reader.uint32()
    guard incompatible == 0 else {
      throw FormatError(.fileHeader, .features(incompatible), at: 12)
    }
    self.kind = kind
    readCompatibleFlags = try reader.uint32()
    compatibleFlags = try reader.uint32()
    number = try reader.uint64()
    identity = FileID(low: try reader.uint64(), high: try reader.uint64())
    storeTag = try reader.uint64()
    try reader.zeros(4, "reserved bytes")
    try checkKindRules()
  }

  /// Fields that files of this kind do not use are zero.
  private func checkKindRules() throws(FormatError) {
    switch kind {
    case .manifest: break
    case .log:
      guard identity.high == 0 else { throw FormatError(.fileHeader, .value("identity"), at: 40) }
    case .segment, .values:
      guard number == 0 else { throw FormatError(.fileHeader, .value("file number"), at: 24) }
      guard storeTag == 0 else { throw FormatError(.fileHeader, .value("store tag"), at: 48) }
    }
  }

  private static func checkSum(of file: ByteView) throws(FormatError) {
    guard let covered = file.part(at: 0, count: 60), let stored = file.uint32(at: 60) else {
      throw FormatError(.fileHeader, .truncated, at: UInt64(file.count))
    }
    let computed = CRC32C.checksum(of: covered)
    guard stored == computed else {
      throw FormatError(.fileHeader, .checksum(stored: stored, computed: computed), at: 60)
    }
  }
}
