import VarveFormat

extension MemTable {
  /// Inserts the entries of an encoded batch, numbered from `firstSequence` on.
  func insert(batch payload: ByteView, firstSequence: SequenceNumber) {
    insert(firstSequence) { () throws(FormatError) in try BatchDecoder(payload) }
  }

  /// Inserts the entries of a log's record that holds any.
  func insert(_ record: LogRecord) {
    insert(record.firstSequence) { () throws(FormatError) in try BatchDecoder(of: record) }
  }

  /// They are our own encoding, or were checked when they were replayed: a flaw here is ours.
  @inline(__always)
  private func insert(
    _ firstSequence: SequenceNumber, _ decode: () throws(FormatError) -> BatchDecoder
  ) {
    do throws(FormatError) {
      var decoder = try decode()
      var sequence = firstSequence.rawValue
      while let entry = try decoder.next() {
        insert(EntryView(entry, SequenceNumber(sequence)))
        sequence &+= 1
      }
    } catch {
      preconditionFailure("an unchecked batch reached the memtable: \(error)")
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
