/// What the system keyspace stores of one keyspace: its number and how its entries are kept.
///
/// ```
///  0  record version        u8, 0
///  1  compression           u8: 0 automatic, 1 none, 2 lz4, 3 zstd
///  2  compression level     u8: 0 the codec's own choice, else 1...22, of zstd alone
///  3  value alignment log2  u8, 3...12
///  4  keyspace number       u32, 1...2^32 - 2
///  8  large value bytes     u32: values from this size on go to value files; 0 none
/// 12  block bytes           u32: wanted size of a data block; 0 the engine's choice
/// 16  time to live          u64, milliseconds stamped into puts that name none; 0 none
/// 24  filter bits per key   u8; 0 no filter, 255 the engine's choice
/// 25  reserved              3 bytes, zero
/// 28  value bytes           u32: what every value has exactly; 0 any
/// ```
///
/// Spec: directory.md, "System keyspace".
package struct KeyspaceRecord: Equatable, Sendable {
  package static let byteCount = 32
  static let currentVersion: UInt8 = 0

  /// How data blocks and values of a keyspace are compressed.
  package enum Compression: Equatable, Sendable {
    /// Chosen for each block by what it saves.
    case automatic
    case none
    case lz4
    /// At a level 1...22, or 0 for the default.
    case zstd(level: UInt8)
  }

  /// How the entries of a keyspace are kept.
  package struct Policy: Equatable, Sendable {
    package static let engineChoosesFilter: UInt8 = 255

    package var compression = Compression.automatic
    /// The logarithm of what values are aligned to when they are stored raw.
    package var valueAlignmentLog2: UInt8 = 3
    /// Values of this many bytes and more go to value files; 0 for none.
    package var largeValueBytes: UInt32 = 1024
    /// Wanted bytes of a data block; 0 for the engine's choice.
    package var blockBytes: UInt32 = 0
    /// Milliseconds that a put lives which names no expiry; 0 for ever.
    package var timeToLive: UInt64 = 0
    /// Bits of filter for each key; 0 for no filter.
    package var filterBitsPerKey: UInt8 = engineChoosesFilter
    /// Bytes that every value has exactly; 0 for any.
    package var valueBytes: UInt32 = 0

    package init() {}
  }

  package var number: UInt32
  package var policy: Policy

  package init(number: UInt32, policy: Policy = Policy()) {
    self.number = number
    self.policy = policy
  }
}

// MARK: - Encoding

extension KeyspaceRecord {
  package func encoded() -> [UInt8] {
    let (codec, level) = policy.compression.stored
    var writer = ByteWriter(reserving: Self.byteCount)
    writer.uint8(Self.currentVersion)
    writer.uint8(codec)
    writer.uint8(level)
    writer.uint8(policy.valueAlignmentLog2)
    writer.uint32(number)
    writer.uint32(policy.largeValueBytes)
    writer.uint32(policy.blockBytes)
    writer.uint64(policy.timeToLive)
    writer.uint8(policy.filterBitsPerKey)
    writer.zeros(3)
    writer.uint32(policy.valueBytes)
    return writer.bytes
  }

  package init(decoding bytes: ByteView) throws(FormatError) {
    var reader = ByteReader(bytes, .catalog)
    let version = try reader.uint8()
    guard version == Self.currentVersion else {
      throw FormatError(.catalog, .version(UInt16(version)), at: 0)
    }
    policy = Policy()
    policy.compression = try Compression(&reader)
    let alignment = try reader.uint8()
    guard Limits.valueAlignmentLog2.contains(alignment) else {
      throw FormatError(.catalog, .value("value alignment"), at: 3)
    }
    policy.valueAlignmentLog2 = alignment
    number = try reader.uint32()
    guard SystemKeyspace.numbers.contains(number) else {
      throw FormatError(.catalog, .value("keyspace number"), at: 4)
    }
    policy.largeValueBytes = try reader.uint32()
    policy.blockBytes = try reader.uint32()
    guard policy.blockBytes <= Limits.blockBytes else {
      throw FormatError(.catalog, .limit("block size"), at: 12)
    }
    policy.timeToLive = try reader.uint64()
    policy.filterBitsPerKey = try reader.uint8()
    try reader.zeros(3, "reserved bytes")
    policy.valueBytes = try reader.uint32()
    guard policy.valueBytes <= Limits.valueBytes else {
      throw FormatError(.catalog, .limit("value size"), at: 28)
    }
    try reader.end()
  }
}

extension KeyspaceRecord.Compression {
  static let highestLevel: UInt8 = 22

  /// Codec and level as they are stored.
  var stored: (codec: UInt8, level: UInt8) {
    switch self {
    case .automatic: (0, 0)
    case .none: (1, 0)
    case .lz4: (2, 0)
    case .zstd(let level): (3, level)
    }
  }

  init(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    let codec = try reader.uint8()
    guard codec <= 3 else { throw start.error(.value("compression")) }
    let levelPlace = reader
    let level = try reader.uint8()
    guard level == 0 || codec == 3 && level <= Self.highestLevel else {
      throw levelPlace.error(.value("compression level"))
    }
    switch codec {
    case 0: self = .automatic
    case 1: self = .none
    case 2: self = .lz4
    default: self = .zstd(level: level)
    }
  }
}
