import VarveFormat
import VarvePlatform

// MARK: - Making durable

extension ValueFileWriter {
  /// Makes every value durable whose append returned before this call. Once sealed they all are;
  /// while the file is being sealed this waits for that.
  ///
  /// When a sync fails, so does everything after it with `.poisoned`: the system may have dropped
  /// what it could not write, and would say so only once.
  func sync() throws(StoreError) {
    try syncing.withLock { _ throws(StoreError) in
      let covered: UInt64? = try state.withLock { state throws(StoreError) in
        if state.phase == .sealed { return nil }
        try checkUnsealed(state.phase)
        return state.isNameDurable && state.synced == state.finished ? nil : state.finished
      }
      guard let covered else { return }
      endStream()
      do throws(FileSystemError) {
        try file.sync()
        try syncName()
      } catch {
        throw fail(error)
      }
      state.withLock { $0.synced = max($0.synced, covered) }
    }
  }

  /// A synced file whose name was not synced can be gone after a crash.
  private func syncName() throws(FileSystemError) {
    guard !state.withLock({ $0.isNameDurable }) else { return }
    try directory.sync()
    state.withLock { $0.isNameDurable = true }
  }

  /// What a failed step means for the file. After a failed sync nobody knows what of it is on the
  /// disk; anything else, a full disk above all, leaves the values as they are, and the file can be
  /// sealed later.
  private func fail(_ error: FileSystemError) -> StoreError {
    guard [.sync, .syncDirectory].contains(error.operation) else { return StoreError(error) }
    conclude(.failed)
    return StoreError(
      .poisoned, "the value file failed to become durable: \(StoreError(error).message)",
      file: name)
  }

  /// Enters a phase of the file; a failure is never taken back.
  private func conclude(_ phase: Phase) {
    state.withLock { if $0.phase != .failed { $0.phase = phase } }
  }
}

// MARK: - Ending

extension ValueFileWriter {
  /// Completes the file: waits for appends on their way, writes the end record, gives back the room
  /// that was reserved ahead and syncs. The record belongs into the next manifest.
  ///
  /// Later appends throw `.closed`. The file stays open for readers until the writer is dropped.
  /// Where it throws, nothing was sealed; unless a sync failed, it can be tried again.
  func seal() throws(StoreError) -> ValueFileRecord {
    try syncing.withLock { _ throws(StoreError) in
      try state.withLock { state throws(StoreError) in
        try checkUnsealed(state.phase)
        state.phase = .sealing
      }
      waitUntilQuiet()
      endStream()
      let (end, counts, failures) = state.withLock { ($0.end, $0.counts, $0.failures) }
      let size: UInt64
      do throws(FileSystemError) {
        for place in failures { try writeGap(over: place) }
        size = try writeEnd(counts, after: end)
        try file.truncate(to: size)
        try file.sync()
        try syncName()
      } catch {
        throw fail(error)
      }
      conclude(.sealed)
      return ValueFileRecord(
        number: number, id: id, size: size, valueCount: counts.values, valueBytes: counts.bytes)
    }
  }

  /// Gives the file up and removes it: nothing may point into it.
  func abandon() throws(StoreError) {
    conclude(.failed)
    waitUntilQuiet()
    do throws(FileSystemError) {
      try file.close()
      try directory.remove(name)
    } catch {
      throw StoreError(error)
    }
  }

  private func writeGap(over place: ValuePlace) throws(FileSystemError) {
    let header = ValuePlace.plainHeader(after: place.start)
    try write(.gap(place.end - header - UInt64(ValueRecord.headerBytes)), at: header)
  }

  /// Returns the size of the sealed file.
  private func writeEnd(
    _ counts: ValueFileCounts, after end: UInt64
  ) throws(FileSystemError) -> UInt64 {
    let header = ValuePlace.plainHeader(after: end)
    try write(.end(counts), at: header)
    return header + UInt64(ValueRecord.headerBytes)
  }

  private func write(_ record: ValueRecord, at offset: UInt64) throws(FileSystemError) {
    var writer = ByteWriter(reserving: ValueRecord.headerBytes)
    record.encode(to: &writer, in: id, at: offset)
    try writer.bytes.withByteView { view throws(FileSystemError) in
      try file.write(view, at: offset)
    }
  }
}
