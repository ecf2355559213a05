import VarveFormat

/// A fixed point to read at: everything committed up to a sequence number, as of a moment.
struct ReadPoint: Hashable, Comparable, Sendable {
  var sequence: SequenceNumber
  /// Milliseconds since 1970: what expires later is visible.
  var time: ExpiryTime

  static func < (left: ReadPoint, right: ReadPoint) -> Bool {
    (left.sequence, left.time) < (right.sequence, right.time)
  }
}
