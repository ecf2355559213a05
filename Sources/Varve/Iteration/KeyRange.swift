import VarveFormat

/// Which way a cursor goes.
public enum ScanOrder: Sendable {
  /// From the smallest key up.
  case ascending
  /// From the largest key down.
  case descending
}

/// Which keys a cursor shows: bounds of the user's keys, in bytes.
public struct KeyRange: Sendable, Equatable {
  /// The first key that is shown; nil for the first of all.
  public var lower: [UInt8]?
  /// The first key that is not shown any more; nil for no end.
  public var upper: [UInt8]?

  /// Every key.
  public static let all = KeyRange()

  var isAll: Bool { lower == nil && upper == nil }

  /// The keys from `lower` up to, not including, `upper`.
  public init(from lower: [UInt8]? = nil, to upper: [UInt8]? = nil) {
    self.lower = lower
    self.upper = upper
  }

  /// The keys from the lower bound up to, not including, the upper one: `KeyRange("a"..<"c")`.
  public init<Key: StoreKey>(_ keys: Range<Key>) {
    lower = keys.lowerBound.keyBytes
    upper = keys.upperBound.keyBytes
  }

  /// The keys that begin with `prefix`.
  public init(prefix: [UInt8]) {
    lower = prefix
    upper = EngineKey.end(ofPrefix: prefix)
  }

  /// The keys that begin with `prefix`.
  public init<Prefix: StoreKey>(prefix: Prefix) { self.init(prefix: prefix.keyBytes) }
}
