import VarveFormat

/// The first sixteen bytes of a key as two numbers that sort as the bytes do.
///
/// ```
/// key     k k k k u u u u  u u u u u u u u  u u u ...
///         keyspace|------- user's key ---------------
/// prefix  [     high     ]  [     low      ]  the rest is compared only where both are equal
/// ```
///
/// Keys that a merge compares mostly differ here, so the call of `memcmp` and the cache miss on
/// the key's own memory are saved. Shorter keys are filled with zeros, which ties them with longer
/// ones that go on with zeros: ``compareRest(_:_:)`` tells those apart.
struct KeyPrefix: Equatable, Sendable {
  static let byteCount = 16

  let high: UInt64
  let low: UInt64

  @inline(__always)
  init(_ key: ByteView) {
    high = key.sortPrefix
    low = key.count > 8 ? key.dropping(8).sortPrefix : 0
  }

  /// Below zero or above zero as the keys with these prefixes sort; zero where the rest decides.
  @inline(__always)
  func compare(_ other: KeyPrefix) -> Int {
    if high != other.high { return high < other.high ? -1 : 1 }
    if low != other.low { return low < other.low ? -1 : 1 }
    return 0
  }

  /// The order of two keys whose prefixes are equal.
  static func compareRest(_ left: ByteView, _ right: ByteView) -> Int {
    // Where one ends within the prefix, the other equals it filled with zeros: the shorter is first.
    guard left.count > byteCount, right.count > byteCount else { return left.count &- right.count }
    return left.dropping(byteCount).compare(right.dropping(byteCount))
  }
}

/// A key with its prefix at hand, lent by whoever keeps the bytes.
struct PrefixedKey: Sendable {
  let bytes: ByteView
  let prefix: KeyPrefix

  @inline(__always)
  init(_ bytes: ByteView) {
    self.bytes = bytes
    prefix = KeyPrefix(bytes)
  }

  /// Below zero, zero or above zero as this key sorts before, with or after the other.
  @inline(__always)
  func compare(_ other: PrefixedKey) -> Int {
    let order = prefix.compare(other.prefix)
    return order != 0 ? order : KeyPrefix.compareRest(bytes, other.bytes)
  }
}

/// Where the walk of a half compaction ends, or begins: its own copy of a key, and that key's prefix.
struct KeyBound: Sendable {
  let bytes: [UInt8]
  private let prefix: KeyPrefix

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    prefix = bytes.withByteView(KeyPrefix.init)
  }

  /// Whether `key` sorts before the bound.
  func isAbove(_ key: ByteView) -> Bool {
    let order = KeyPrefix(key).compare(prefix)
    if order != 0 { return order < 0 }
    return bytes.withByteView { KeyPrefix.compareRest(key, $0) < 0 }
  }
}
