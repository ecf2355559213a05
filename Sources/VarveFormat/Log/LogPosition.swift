/// A place in the logs of a store: a log's number and a byte offset in it.
///
/// Used as a watermark it says: every log with a lower number is durable to its end, and this log
/// is durable below the offset. ``none`` says that nothing is known.
package struct LogPosition: Hashable, Comparable, Sendable {
  package var log: UInt64
  package var offset: UInt64

  package init(log: UInt64, offset: UInt64) {
    self.log = log
    self.offset = offset
  }

  /// Before every record of every log.
  package static let none = LogPosition(log: 0, offset: 0)

  package static func < (left: LogPosition, right: LogPosition) -> Bool {
    left.log == right.log ? left.offset < right.offset : left.log < right.log
  }
}

extension LogPosition: CustomStringConvertible {
  package var description: String { "\(FileName(.log, log)) at \(offset)" }
}

/// What binds a record to one use of one log file: the log's number and a salt drawn at random
/// each time a file begins a life as a log.
///
/// Every checksum of a record begins with the number, the salt and the record's offset, so that
/// bytes left over from an earlier life, or copied from elsewhere, are never taken for records.
package struct LogIdentity: Hashable, Sendable {
  package let number: UInt64
  package let salt: UInt64
  /// The checksum of number and salt, which every record's checksums continue from.
  private let seed: UInt32

  package init(number: UInt64, salt: UInt64) {
    self.number = number
    self.salt = salt
    var sum = CRC32C()
    sum.append(number)
    sum.append(salt)
    seed = sum.value
  }

  /// The checksum of the context of a record at `offset`: number, salt, offset.
  func context(at offset: UInt64) -> CRC32C {
    var sum = CRC32C(continuing: seed)
    sum.append(offset)
    return sum
  }
}
