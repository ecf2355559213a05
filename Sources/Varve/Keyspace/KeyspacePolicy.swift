import VarveFormat

/// How one keyspace stores its entries. Fixed when the keyspace is made; stored with it.
public struct KeyspacePolicy: Sendable, Equatable {
  /// How blocks and large values are compressed.
  public var compression: Compression = .automatic

  /// Milliseconds after which an entry put without a time of its own is no longer visible; nil for
  /// never.
  public var timeToLiveMilliseconds: UInt64?

  /// Values of at least this many bytes are kept out of the sorted segments, in value files, and
  /// written once.
  public var largeValueBytes = 1024

  /// The address of every lent value is a multiple of this where it is above 8; a power of two up
  /// to 64.
  public var valueAlignment = 8

  /// Bytes that every value must have exactly; another size is refused when it is committed. Nil
  /// for any.
  public var valueBytes: Int?

  /// Bytes of a block before compression, 4 KiB to 64 KiB.
  public var blockBytes = 8 << 10

  /// Bits of filter for each key: 10 make about one absent read in a hundred look further.
  public var filterBitsPerKey = 10

  /// The plain policy.
  public init() {}

  /// The plain policy.
  public static let `default` = KeyspacePolicy()

  /// Vectors of `dimension` numbers, and nothing else: stored raw when they do not compress, lent
  /// aligned to 64 bytes. See ``Keyspace/withVector(for:as:_:)``.
  public static func vectors<Number: Numeric & BitwiseCopyable>(
    of: Number.Type, dimension: Int
  ) -> KeyspacePolicy {
    var policy = KeyspacePolicy()
    policy.valueAlignment = 64
    let (bytes, overflow) = dimension.multipliedReportingOverflow(by: MemoryLayout<Number>.stride)
    // What no value can have is refused when the keyspace is made.
    policy.valueBytes = overflow ? -1 : bytes
    return policy
  }
}

// MARK: - As it is stored

extension KeyspacePolicy {
  /// Throws `.invalid` for values that cannot be meant, naming each.
  func check() throws(StoreError) {
    var problems: [String] = []
    if !(4 << 10...64 << 10).contains(blockBytes) {
      problems.append("blockBytes is not 4 to 64 KiB")
    }
    if ![8, 16, 32, 64].contains(valueAlignment) {
      problems.append("valueAlignment is not 8, 16, 32 or 64")
    }
    if !(64...Limits.valueBytes).contains(largeValueBytes) {
      problems.append("largeValueBytes is not 64 to 1 GiB")
    }
    if !(0...32).contains(filterBitsPerKey) { problems.append("filterBitsPerKey is not 0 to 32") }
    if let valueBytes, !(1...Limits.valueBytes).contains(valueBytes) {
      problems.append("valueBytes is not 1 to 1 GiB")
    }
    if timeToLiveMilliseconds == 0 { problems.append("timeToLiveMilliseconds is 0") }
    guard problems.isEmpty else {
      throw StoreError(.invalid, "keyspace policy: " + problems.joined(separator: "; "))
    }
    try compression.validate()
  }

  /// Log2 of the alignment of large values.
  var alignmentShift: UInt8 { UInt8(valueAlignment.trailingZeroBitCount) }

  var stored: KeyspaceRecord.Policy {
    var stored = KeyspaceRecord.Policy()
    stored.compression =
      switch compression {
      case .automatic: .automatic
      case .none: .none
      case .lz4: .lz4
      case .zstd(let level): .zstd(level: UInt8(level))
      }
    stored.valueAlignmentLog2 = alignmentShift
    stored.largeValueBytes = UInt32(largeValueBytes)
    stored.blockBytes = UInt32(min(blockBytes, Limits.blockBytes))
    stored.timeToLive = timeToLiveMilliseconds ?? 0
    stored.filterBitsPerKey = UInt8(filterBitsPerKey)
    stored.valueBytes = UInt32(valueBytes ?? 0)
    return stored
  }

  init(_ stored: KeyspaceRecord.Policy) {
    self.init()
    switch stored.compression {
    case .automatic: compression = .automatic
    case .none: compression = .none
    case .lz4: compression = .lz4
    case .zstd(let level): compression = .zstd(level: level == 0 ? 3 : min(19, Int(level)))
    }
    valueAlignment = 1 << Int(min(stored.valueAlignmentLog2, 6))
    // Zero stands for the engine's own choice, and for no limit and no end.
    largeValueBytes = stored.largeValueBytes == 0 ? .max : Int(stored.largeValueBytes)
    if stored.blockBytes != 0 { blockBytes = Int(stored.blockBytes) }
    timeToLiveMilliseconds = stored.timeToLive == 0 ? nil : stored.timeToLive
    valueBytes = stored.valueBytes == 0 ? nil : Int(stored.valueBytes)
    if stored.filterBitsPerKey <= 32 { filterBitsPerKey = Int(stored.filterBitsPerKey) }
  }
}
