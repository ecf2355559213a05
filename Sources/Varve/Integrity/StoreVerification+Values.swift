import VarveFormat
import VarvePlatform

/// An entry whose value lies in a value file.
struct PointerUse {
  var pointer: ValuePointer
  /// The offset of the block or record the entry is in.
  var place: UInt64
}

extension StoreVerification {
  /// Checks the values that entries of one segment point to, file by file.
  mutating func examine(_ uses: [PointerUse], of segment: FileName) {
    let byFile = Dictionary(grouping: uses, by: \.pointer.file)
    for (number, uses) in byFile.sorted(by: { $0.key < $1.key }) {
      guard let record = valueFiles[number] else {
        let missing = FileName(.values, number)
        note(
          IntegrityFinding(
            .damage, segment.description,
            "points into \(missing), which the manifest does not name",
            structure: FormatError.Structure.valuePointer.rawValue, offset: uses.first?.place)
        )
        continue
      }
      let pieces = ValuePieces(record, in: directory)
      for use in uses.sorted(by: { $0.pointer.offset < $1.pointer.offset }) {
        examine(use.pointer, pieces)
      }
    }
  }

  /// Checks the value of an entry that is still in a log. Value files that are being filled are in
  /// no manifest yet: the file's own header then says what it is.
  mutating func examineLoggedValue(_ pointer: ValuePointer, _ log: FileName, _ offset: UInt64) {
    examine(pointer, ValuePieces(FileName(.values, pointer.file), in: directory))
  }

  private mutating func examine(_ pointer: ValuePointer, _ pieces: ValuePieces) {
    do throws(ValuePieces.Failure) {
      try pieces.check(pointer)
      count(bytes: UInt64(pointer.storedCount), values: 1)
    } catch {
      note(IntegrityFinding(error, in: pieces.name.description))
    }
  }

  /// Presence, size and header; the values themselves are reached by their pointers.
  mutating func examineValueFile(_ record: ValueFileRecord) {
    let pieces = ValuePieces(record, in: directory)
    report(pieces)
  }

  private mutating func report(_ pieces: ValuePieces) {
    countFiles(1)
    do throws(ValuePieces.Failure) { try pieces.checkOutline() } catch {
      note(IntegrityFinding(error, in: pieces.name.description))
    }
  }
}

extension IntegrityFinding {
  init(_ failure: ValuePieces.Failure, in file: String) {
    switch failure {
    case .format(let error): self.init(error, in: file)
    case .system(let error): self.init(error, in: file)
    case .size(let found, let expected):
      self.init(
        .damage, file, "has \(found) bytes; the manifest says \(expected)",
        offset: min(found, expected))
    case .identity:
      self.init(
        .damage, file, "is another value file than the manifest names",
        structure: FormatError.Structure.fileHeader.rawValue, offset: 32)
    }
  }
}
