/// One entry as an import file gives it; its arrays are used again for the next one.
struct ImportRecord: Equatable {
  /// The keyspace the line names; nil where it names none.
  var keyspace: String?
  var key: [UInt8] = []
  var value: [UInt8] = []
  /// Milliseconds since 1970; zero for never.
  var expiry: UInt64 = 0

  mutating func removeAll() {
    keyspace = nil
    key.removeAll(keepingCapacity: true)
    // A huge value does not keep its memory for the small ones after it.
    value.removeAll(keepingCapacity: value.capacity <= 1 << 20)
    expiry = 0
  }
}

/// A form of input that yields entries one after the other.
protocol RecordReader {
  /// Replaces `record` with the next entry; false at the end.
  mutating func next(into record: inout ImportRecord) throws -> Bool

  /// Bytes of the main input taken so far.
  var offset: UInt64 { get }
  /// The line, or row, that was read last.
  var line: UInt64 { get }
}
