import VarveFormat

// What may cost no error: the rest of a store is needed as a whole.

extension SweptStore {
  /// Whether the format says that nobody reads what differs. See format-spec/directory.md, "Which files are live".
  ///
  /// ```
  ///   manifest   one below the newest
  ///   segment    one that the manifest does not name
  ///   log        one below the floor, or not named after a clean close; behind the records that a crash left
  ///   values     one that came; between and behind the records of one that a crash left growing
  /// ```
  func isGarbage(_ file: String, _ mutated: [UInt8]?) -> Bool {
    guard let name = FileName(parsing: file) else { return false }
    switch name.kind {
    case .manifest: return name.number < manifest.number
    case .segment: return !manifest.segments.contains { $0.number == name.number }
    case .log: return isOrphan(log: name.number) || isBetweenRecords(file, mutated)
    case .values:
      // Sealed once it is named.
      if manifest.valueFiles.contains(where: { $0.number == name.number }) { return false }
      return files[file] == nil || isBetweenRecords(file, mutated)
    }
  }

  /// Whether a notice may be all that is said of what was changed there: what no manifest names, and logs of which a
  /// crash may have torn the end.
  func mayBeToldOf(_ file: String) -> Bool {
    guard let name = FileName(parsing: file) else { return false }
    switch name.kind {
    case .manifest: return false
    case .segment: return !manifest.segments.contains { $0.number == name.number }
    case .log: return end == .crashed || isOrphan(log: name.number)
    case .values: return !manifest.valueFiles.contains { $0.number == name.number }
    }
  }

  private func isOrphan(log number: UInt64) -> Bool {
    if number < manifest.logFloor { return true }
    guard end == .closed, number < manifest.nextFileNumber else { return false }
    return !isNamed(log: number)
  }

  private func isNamed(log number: UInt64) -> Bool {
    manifest.logs.contains { $0.number == number }
  }

  /// Whether header and records of what a crash left are as they were.
  private func isBetweenRecords(_ file: String, _ mutated: [UInt8]?) -> Bool {
    guard end == .crashed, let bytes = files[file], let mutated else { return false }
    let pieces = ((try? FilePiece.all(of: bytes)) ?? []).filter { $0.kind != .body }
    let covered = [0..<FileHeader.byteCount] + pieces.map(\.range)
    return covered.allSatisfy { $0.upperBound <= mutated.count && mutated[$0] == bytes[$0] }
  }

  /// Whether the format says that what differs is a torn tail, which is dropped, or a log that was never begun. See
  /// format-spec/log.md, "Reading the logs of a store".
  func isTornTail(_ file: String, _ mutated: [UInt8]?) -> Bool {
    guard end == .crashed, let name = FileName(parsing: file), name.kind == .log,
      let bytes = files[file], !allowed(file, mutated).isEmpty
    else { return false }
    let header = 0..<FileHeader.byteCount
    if let mutated, mutated.count >= header.count, mutated[header] == bytes[header] { return true }
    // Without its header it must have nothing else, and no manifest may name it.
    return !isNamed(log: name.number)
      && (mutated ?? []).dropFirst(header.count).allSatisfy { $0 == 0 }
  }

  /// The files that a whole manifest in the place of the newest is not the manifest of: errors may name these.
  func misfits(of other: Manifest) -> Set<String> {
    var misfits: Set<String> = []
    for segment in other.segments {
      let name = "\(FileName(.segment, segment.number))"
      if !fits(name, segment.size, segment.id, .segment) { misfits.insert(name) }
    }
    for values in other.valueFiles {
      let name = "\(FileName(.values, values.number))"
      if !fits(name, values.size, values.id, .values) { misfits.insert(name) }
    }
    // Each log has the tag of its store.
    let logs = files.keys.filter { FileName(parsing: $0)?.kind == .log }
    if other.storeID.low != manifest.storeID.low { misfits.formUnion(logs) }
    return misfits
  }

  private func fits(
    _ name: String, _ size: UInt64, _ id: FileID, _ kind: FileName.Kind
  ) -> Bool {
    guard let bytes = files[name], UInt64(bytes.count) == size else { return false }
    let header = bytes.withByteView { try? FileHeader(decoding: $0, as: kind) }
    return header?.identity == id
  }
}
