import VarveFormat

/// One version of one key, owned: what tests build histories and segments of.
struct OwnedEntry: Hashable, Comparable, CustomStringConvertible {
  var key: [UInt8]
  var sequence: UInt64
  var kind = EntryKind.put
  var expiry: ExpiryTime = 0
  var value: [UInt8] = []

  init(
    _ key: [UInt8], _ sequence: UInt64, _ kind: EntryKind = .put, expiry: ExpiryTime = 0,
    value: [UInt8] = []
  ) {
    self.key = key
    self.sequence = sequence
    self.kind = kind
    self.expiry = expiry
    self.value = value
  }

  init(_ view: EntryView) {
    self.init(
      view.key.array, view.sequence.rawValue, view.kind, expiry: view.expiry,
      value: view.value.array)
  }

  /// In the order of entries.
  static func < (left: OwnedEntry, right: OwnedEntry) -> Bool {
    left.key == right.key
      ? left.sequence > right.sequence : left.key.lexicographicallyPrecedes(right.key)
  }

  var description: String {
    "\(key.prefix(24))+\(key.count) @\(sequence) \(kind) !\(expiry) \(value.count) bytes"
  }

  func withView<Result>(_ body: (EntryView) throws -> Result) rethrows -> Result {
    try key.withByteView { key in
      try value.withByteView { value in
        try body(
          EntryView(
            key: key, sequence: SequenceNumber(sequence), kind: kind, expiry: expiry, value: value))
      }
    }
  }
}
