import VarveFormat

extension MemTable {
  /// Inserts the entries of an encoded batch of our own, numbered from `firstSequence` on.
  func insert(batch payload: ByteView, firstSequence: SequenceNumber) {
    do throws(FormatError) {
      var decoder = try BatchDecoder(payload)
      try insert(&decoder, firstSequence)
    } catch {
      preconditionFailure("a batch of our own is wrong: \(error)")
    }
  }

  /// Inserts the entries of a log's record that holds any. What throws was inserted in part: checked before as it may
  /// have been, a mapped log can change beneath.
  func insert(_ record: LogRecord) throws(FormatError) {
    var decoder = try BatchDecoder(of: record)
    try insert(&decoder, record.firstSequence)
  }

  @inline(__always)
  private func insert(
    _ decoder: inout BatchDecoder, _ firstSequence: SequenceNumber
  ) throws(FormatError) {
    var sequence = firstSequence.rawValue
    while let entry = try decoder.next() {
      insert(EntryView(entry, SequenceNumber(sequence)))
      sequence &+= 1
    }
  }
}

extension EntryView {
  /// An entry of a batch with the number it was given.
  @inline(__always)
  init(_ entry: BatchEntry, _ sequence: SequenceNumber) {
    self.init(
      key: entry.key, sequence: sequence, kind: entry.kind, expiry: entry.expiry,
      value: entry.value)
  }
}
