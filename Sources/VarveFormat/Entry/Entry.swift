/// The place of an entry in the order of all commits: 1 and up, below 2^56.
@frozen
@usableFromInline
package struct SequenceNumber: RawRepresentable, Hashable, Comparable, Sendable {
  @usableFromInline package var rawValue: UInt64

  @inlinable
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable
  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Before every commit.
  @inlinable package static var zero: SequenceNumber { SequenceNumber(0) }

  /// At or after every commit: reading at it sees everything.
  @inlinable package static var max: SequenceNumber { SequenceNumber((1 << 56) &- 1) }

  @inlinable
  package static func < (left: SequenceNumber, right: SequenceNumber) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What an entry does to its key. The numbers are stored and keep their meaning for ever.
@frozen
@usableFromInline
package enum EntryKind: UInt8, Sendable, CaseIterable {
  /// The value stands in the entry.
  case put = 1
  /// The key has no value.
  case delete = 2
  /// Reserved: no key in a range has a value.
  case rangeDelete = 3
  /// The value stands in a value file; the entry holds a pointer.
  case pointer = 4
}

/// Milliseconds since 1970 at which an entry stops being visible; zero for never.
@usableFromInline
package typealias ExpiryTime = UInt64

/// One version of one key, lent by a cursor or a table until that moves or goes.
///
/// The key is the engine's: the keyspace number as four big-endian bytes, then the user's key.
/// The value is an encoded `ValuePointer` where the kind is `.pointer`, empty for a delete.
@frozen
@usableFromInline
package struct EntryView: Sendable {
  @usableFromInline package var key: ByteView
  @usableFromInline package var sequence: SequenceNumber
  @usableFromInline package var kind: EntryKind
  @usableFromInline package var expiry: ExpiryTime
  @usableFromInline package var value: ByteView

  @inlinable
  package init(
    key: ByteView, sequence: SequenceNumber, kind: EntryKind, expiry: ExpiryTime = 0,
    value: ByteView = .empty
  ) {
    self.key = key
    self.sequence = sequence
    self.kind = kind
    self.expiry = expiry
    self.value = value
  }

  /// Below zero, zero or above zero in the order of all tables: key ascending, then newest first.
  @inlinable
  package func compare(key other: ByteView, sequence otherSequence: SequenceNumber) -> Int {
    let order = key.compare(other)
    guard order == 0 else { return order }
    return sequence == otherSequence ? 0 : sequence > otherSequence ? -1 : 1
  }
}
