import VarveFormat

/// Follows entries and separators as they come and says whether each is in its place.
struct EntryOrder {
  private(set) var lastKey: [UInt8] = []
  private var lastSequence = SequenceNumber.max
  private var hasLast = false
  /// Everything from here on stands behind it.
  private var border: Separator?

  /// Whether this is another key than the last entry's.
  func isNewKey(_ key: ByteView) -> Bool {
    !hasLast || lastKey.withByteView { $0 != key }
  }

  /// Takes in the next entry; false where it does not follow the last one or the last separator.
  mutating func advance(to entry: EntryView) -> Bool {
    let follows =
      !hasLast
      || lastKey.withByteView {
        entry.compare(key: $0, sequence: lastSequence) > 0
      }
    let isBehindBorder = border.map { !$0.isAtOrAfter(entry.key, entry.sequence) } ?? true
    if isNewKey(entry.key) { lastKey = entry.key.array }
    lastSequence = entry.sequence
    hasLast = true
    return follows && isBehindBorder
  }

  /// Takes in a block's separator; false where the last entry stands behind it.
  mutating func pass(_ separator: Separator) -> Bool {
    border = separator
    guard hasLast else { return true }
    return lastKey.withByteView { separator.isAtOrAfter($0, lastSequence) }
  }

  /// After a block that could not be read: what comes next is held to nothing before it.
  mutating func forget() {
    hasLast = false
    border = nil
  }
}

extension Separator {
  /// Whether an entry belongs to the left side of this border.
  func isAtOrAfter(_ key: ByteView, _ entrySequence: SequenceNumber) -> Bool {
    let order = self.key.withByteView { $0.compare(key) }
    guard order == 0 else { return order > 0 }
    guard let sequence else { return true }
    return entrySequence >= sequence
  }
}
