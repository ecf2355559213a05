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
      let name = FileName(.values, number)
      let record = valueFiles[number]
      guard record != nil || !isManifestReadable else {
        note(
          IntegrityFinding(
            .damage, segment.description,
            "points into \(name), which the manifest does not name,",
            structure: FormatError.Structure.valuePointer.rawValue, offset: uses.first?.place)
        )
        continue
      }
      // Told of where its file comes in turn.
      if isOutOfReach(name) { continue }
      let pieces = ValuePieces(name, in: directory, record: record)
      // A file that is missing or another one is one finding, and not one for each value. Those that
      // the manifest names are looked at by themselves; what cannot be read now may be read then.
      do throws(ValuePieces.Failure) { try pieces.checkOutline() } catch {
        if record == nil || error.isUnread {
          note(IntegrityFinding(error, in: name.description))
        }
        continue
      }
      for use in uses.sorted(by: { $0.pointer.offset < $1.pointer.offset }) {
        examine(pieces) { pieces throws(ValuePieces.Failure) in
          try pieces.checkRecord(of: use.pointer)
        }
      }
    }
  }

  /// Checks the value of an entry that is still in a log. Value files that are being filled are in
  /// no manifest yet: the file's own header then says what it is.
  ///
  /// - Parameter isDurable: whether the entry's record was known to be on disk; if not, a value
  ///   that is not whole is part of the torn tail.
  mutating func examineLoggedValue(_ pointer: ValuePointer, isDurable: Bool) {
    let file = FileName(.values, pointer.file)
    if isOutOfReach(file) { return }
    let pieces = ValuePieces(file, in: directory)
    let isNamed = valueFiles[pointer.file] != nil
    examine(pieces, isDurable ? .damage : .notice) { pieces throws(ValuePieces.Failure) in
      // Of a file that the manifest names all records are looked at with the file.
      if !isNamed { try pieces.checkRecord(of: pointer) }
      try pieces.check(pointer)
    }
  }

  private mutating func examine(
    _ pieces: ValuePieces, _ severity: IntegrityFinding.Severity = .damage,
    _ check: (ValuePieces) throws(ValuePieces.Failure) -> Void
  ) {
    do throws(ValuePieces.Failure) {
      try check(pieces)
      count(values: 1)
    } catch {
      // Nobody knows what stands where nothing can be read: no crash need have torn it.
      let severity = error.isUnread ? .damage : severity
      note(IntegrityFinding(error, in: pieces.name.description, severity))
    }
  }

  /// Presence, size, header and end record; the deep form reads every record and value as well.
  mutating func examineValueFile(_ record: ValueFileRecord) {
    let pieces = ValuePieces(record, in: directory)
    do throws(ValuePieces.Failure) {
      try pieces.checkOutline()
      if depth == .fast { try pieces.checkEnd() }
      countFiles(1)
    } catch {
      note(IntegrityFinding(error, in: pieces.name.description))
      return
    }
    if depth == .deep { examineRecords(record) }
  }

  private mutating func examineRecords(_ record: ValueFileRecord) {
    let reader = ValueFileReader(
      record,
      in: ValueEnvironment(directory: directory, mode: .pread, blocks: environment.blocks))
    var findings: [IntegrityFinding] = []
    var bytes: UInt64 = 0
    do throws(StoreError) {
      try reader.verify(
        progress: { count in
          bytes += count
          return true
        }, { findings.append(IntegrityFinding($0)) })
    } catch {
      findings.append(IntegrityFinding(error, in: reader.name))
    }
    count(bytes: bytes)
    for finding in findings { note(finding) }
  }
}

extension ValuePieces.Failure {
  /// Whether the file is there and could not be read.
  fileprivate var isUnread: Bool {
    guard case .system(let error) = self else { return false }
    return error.reason != .notFound
  }
}

extension IntegrityFinding {
  init(
    _ failure: ValuePieces.Failure, in file: String, _ severity: Severity = .damage
  ) {
    switch failure {
    case .format(let error): self.init(error, in: file, severity)
    case .system(let error): self.init(error, in: file, severity)
    case .size(let found, let expected):
      self.init(
        severity, file, "has \(found) bytes; the manifest says \(expected)",
        offset: min(found, expected))
    case .identity:
      self.init(
        severity, file, "is another value file than the manifest names",
        structure: FormatError.Structure.fileHeader.rawValue, offset: 32)
    }
  }
}
