import VarveFormat
import VarvePlatform

// The files of the log: one after the other, each larger than the one before up to a limit, the next
// one prepared while the present one is filled.

extension WriteAheadLog {
  /// Makes room for records of `byteCount` bytes, in a new log if need be.
  ///
  /// - Throws: `.full` and other failures of preparing a file; the log goes on where it was.
  func makeRoom(for byteCount: Int, startingNewLog: Bool = false) throws(StoreError) {
    if let failure { throw failure }
    let (current, capacity, isOver) = state.withLock { ($0.current, $0.nextCapacity, $0.isOver) }
    if isOver { throw StoreError(.closed, "the log was closed") }
    let needed = UInt64(byteCount)
    if let current, !startingNewLog, current.capacity - current.end >= needed { return }
    let wanted = max(capacity, UInt64(FileHeader.byteCount) + needed)
    let next: LogWriter
    if let spare = takeSpare(withRoomFor: needed) {
      next = spare
    } else {
      next = try makeLog(capacity: wanted, atLeast: needed)
    }
    state.withLock { state in
      if let current { state.older.append(current) }
      state.current = next
      state.nextCapacity = min(largestCapacity, max(state.nextCapacity, wanted) * 2)
    }
  }

  /// The log prepared ahead, if it will do. One that is too small goes, and so does one that was
  /// overtaken: numbers must ascend in the order in which logs are written.
  private func takeSpare(withRoomFor needed: UInt64) -> LogWriter? {
    let (spare, current) = state.withLock { state in
      defer { state.spare = nil }
      return (state.spare, state.current)
    }
    guard let spare else { return nil }
    if spare.capacity - spare.end >= needed, spare.number > current?.number ?? 0 { return spare }
    discard(spare)
    return nil
  }

  /// Removes a log that was prepared and never used; one that stays is an orphan without records.
  private func discard(_ spare: LogWriter) {
    spare.closeQuietly()
    try? directory.remove(spare.name)
  }

  /// A log of `capacity` bytes; on a disk that has no room for that, one that holds `needed`.
  private func makeLog(capacity: UInt64, atLeast needed: UInt64) throws(StoreError) -> LogWriter {
    do {
      return try makeLog(capacity: capacity)
    } catch {
      let smaller = max(Self.smallestCapacity, UInt64(FileHeader.byteCount) + needed)
      guard error.code == .full, smaller < capacity else { throw error }
      return try makeLog(capacity: smaller)
    }
  }

  private func makeLog(capacity: UInt64) throws(StoreError) -> LogWriter {
    let number = try numbers.next()
    do throws(FileSystemError) {
      return try LogWriter.create(
        number: number, salt: random.next(), storeTag: storeTag, capacity: capacity,
        in: directory)
    } catch {
      // The directory's entries are everybody's: the names of other new files may be lost with it,
      // and the next sync would not say so.
      throw error.operation == .syncDirectory ? fail(error) : StoreError(error)
    }
  }
}

// MARK: - Preparing ahead (the background)

extension WriteAheadLog {
  /// Makes the next log ready, so that rotating costs the leader nothing. For the background; a
  /// full disk is found again, and reported, when the log is needed.
  func prepareSpare() {
    let capacity: UInt64? = state.withLock { state in
      guard state.spare == nil, !state.isPreparing, let current = state.current,
        current.end > current.capacity / 2
      else { return nil }
      state.isPreparing = true
      return state.nextCapacity
    }
    guard let capacity else { return }
    let spare = failure == nil ? try? makeLog(capacity: capacity) : nil
    state.withLock { state in
      state.spare = spare
      state.isPreparing = false
    }
  }

  /// Whether ``prepareSpare()`` would do something.
  var wantsSpare: Bool {
    state.withLock { state in
      guard state.spare == nil, !state.isPreparing, let current = state.current else {
        return false
      }
      return current.end > current.capacity / 2
    }
  }
}
