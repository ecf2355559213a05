/// Where a record goes in a value file. Spec: value-file.md, "Where records stand".
///
/// ```
///        end of the record before                     multiple of the value's alignment
///        |                                            |
///  ------+---------------+--------------+-------------+-----------------------+
///   ...  | zeros         | 32 bytes of header         | stored value          | ...
///  ------+---------------+----------------------------+-----------------------+
///                        header                       value                   end
/// ```
///
/// There is only one place for each record, so any number of threads can reserve places one after
/// the other and write them at the same time.
package struct ValuePlace: Equatable, Sendable {
  /// Where the record before ended.
  package var start: UInt64
  package var header: UInt64
  package var value: UInt64
  package var end: UInt64

  /// The place of a value of `storedCount` bytes behind a record that ended at `start`.
  package init(after start: UInt64, storedCount: UInt32, alignmentShift: UInt8) {
    let mask = (UInt64(1) << UInt64(alignmentShift)) &- 1
    self.start = start
    // Offsets are sizes of real files, at most 2^63: nothing here can overflow 64 bits.
    value = (start &+ UInt64(ValueRecord.headerBytes) &+ mask) & ~mask
    header = value &- UInt64(ValueRecord.headerBytes)
    end = value &+ UInt64(storedCount)
  }

  /// Where a gap or end record behind a record that ended at `start` stands.
  package static func plainHeader(after start: UInt64) -> UInt64 { (start &+ 7) & ~7 }

  /// The first offset a value can have.
  package static let firstValue = UInt64(FileHeader.byteCount + ValueRecord.headerBytes)
}
