import VarveFormat

extension MemTable {
  /// Inserts the entries of an encoded batch, numbered from `firstSequence` on.
  ///
  /// The payload is our own encoding, or was checked when it was replayed: a flaw here is ours.
  func insert(batch payload: ByteView, firstSequence: SequenceNumber) {
    do throws(FormatError) {
      var decoder = try BatchDecoder(payload)
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
