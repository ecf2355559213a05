import VarveFormat
import VarvePlatform

extension StoreVerification {
  /// Checks the values that entries of one segment point to, file by file.
  func examine(_ pointers: inout SegmentPointers) {
    for (number, uses) in pointers.take() {
      guard let pieces = pieces(of: number, firstUse: uses[0].place, &pointers) else { continue }
      let owner = owner(of: number, named: pointers.segment)
      for use in uses.sorted(by: { $0.pointer.offset < $1.pointer.offset }) {
        examine(pieces, among: owner) { pieces throws(ValuePieces.Failure) in
          try pieces.checkRecord(of: use.pointer)
        }
      }
    }
  }

  /// The value file that entries point into; nil, and told of once, where it cannot be looked into.
  private func pieces(
    of number: UInt64, firstUse place: UInt64, _ pointers: inout SegmentPointers
  ) -> ValuePieces? {
    let name = FileName(.values, number)
    let record = valueFiles[number]
    guard record != nil || !isManifestReadable else {
      if pointers.isNew(number, isNamed: false) {
        note(
          IntegrityFinding(
            .damage, pointers.segment.description,
            "points into \(name), which the manifest does not name,",
            structure: FormatError.Structure.valuePointer.rawValue, offset: place))
      }
      return nil
    }
    // Told of where its file comes in turn.
    if isOutOfReach(name) { return nil }
    let pieces = ValuePieces(name, in: directory, record: record)
    // A file that is missing or another one is one finding, and not one for each value. Those that
    // the manifest names are looked at by themselves; what cannot be read now may be read then.
    do throws(ValuePieces.Failure) {
      try pieces.checkOutline()
      return pieces
    } catch {
      if record == nil || error.isUnread, pointers.isNew(number, isNamed: record != nil) {
        let owner = owner(of: number, named: pointers.segment)
        note(IntegrityFinding(error, in: name.description), among: owner)
      }
      return nil
    }
  }

  /// The file that findings of a value file count among those of: its own, but for one that the
  /// manifest does not name, of which a forged segment or log can name any number.
  private func owner(of number: UInt64, named user: FileName) -> FileName? {
    valueFiles[number] == nil ? user : nil
  }

  /// Checks the value of an entry that is still in a log. Value files that are being filled are in
  /// no manifest yet: the file's own header then says what it is.
  ///
  /// - Parameter isDurable: whether the entry's record was known to be on disk; if not, a value
  ///   that is not whole is part of the torn tail.
  func examineLoggedValue(_ pointer: ValuePointer, of log: FileName, isDurable: Bool) {
    let file = FileName(.values, pointer.file)
    let isNamed = valueFiles[pointer.file] != nil
    // What no manifest names is in no bucket.
    if isNamed, isOutOfReach(file) { return }
    let pieces = ValuePieces(file, in: directory)
    let owner = owner(of: pointer.file, named: log)
    examine(pieces, isDurable ? .damage : .notice, among: owner) {
      pieces throws(ValuePieces.Failure) in
      // Of a file that the manifest names all records are looked at with the file.
      if !isNamed { try pieces.checkRecord(of: pointer) }
      try pieces.check(pointer, claiming: &self.claims)
    }
  }

  private func examine(
    _ pieces: ValuePieces, _ severity: IntegrityFinding.Severity = .damage,
    among owner: FileName?, _ check: (ValuePieces) throws(ValuePieces.Failure) -> Void
  ) {
    do throws(ValuePieces.Failure) {
      try check(pieces)
      count(values: 1)
    } catch {
      // Nobody knows what stands where nothing can be read: no crash need have torn it.
      let severity = error.isUnread ? .damage : severity
      note(IntegrityFinding(error, in: pieces.name.description, severity), among: owner)
    }
  }

  /// Presence, size, header and end record; the deep form reads every record and value as well.
  func examineValueFile(_ record: ValueFileRecord) {
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

  private func examineRecords(_ record: ValueFileRecord) {
    let reader = ValueFileReader(
      record,
      in: ValueEnvironment(directory: directory, mode: .pread, blocks: environment.blocks))
    var bytes: UInt64 = 0
    do throws(StoreError) {
      try reader.verify(
        progress: { count in
          bytes += count
          return true
        }, { note(IntegrityFinding($0)) })
    } catch {
      note(IntegrityFinding(error, in: reader.name))
    }
    count(bytes: bytes)
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
