import VarveFormat
import VarvePlatform

// The files of the log: one after the other, the next one prepared while the present one is filled.

extension WriteAheadLog {
  /// Why a new log begins.
  enum Rotation {
    /// It does not, unless the present one has no room.
    case recordsDoNotFit
    /// The memtable goes with the log; those that follow are likely to end as early.
    case memTableIsFull
    /// Somebody asked for it: that says nothing of those that follow.
    case isAsked
  }

  /// Makes room for records of `byteCount` bytes, in a new log if need be.
  ///
  /// - Throws: `.full` and other failures of preparing a file; the log goes on where it was.
  func makeRoom(for byteCount: Int, where reason: Rotation) throws(StoreError) {
    if let failure { throw failure }
    if reason == .recordsDoNotFit, hasRoom(for: byteCount) { return }
    let (current, isOver, isPreparing) = state.withLock { ($0.current, $0.isOver, $0.isPreparing) }
    if isOver { throw StoreError(.closed, "the log was closed") }
    let next: LogWriter
    if let spare = takeSpare(withRoomFor: byteCount) {
      next = spare
    } else {
      let needed = UInt64(FileHeader.byteCount + byteCount)
      // A better one is on its way: this one need not last.
      let wanted = isPreparing ? current?.capacity ?? 0 : capacity(after: current)
      next = try makeLog(capacity: max(wanted, needed), atLeast: needed)
    }
    next.begin(at: clock.monotonicNanoseconds())
    let spareMark = state.withLock { state in
      if reason == .memTableIsFull { state.fullEnd = current?.end }
      if let current { state.older.append(current) }
      state.current = next
      state.spareMark = LogSizing.spareMark(capacity: next.capacity, fullEnd: state.fullEnd)
      return state.spareMark
    }
    appender.begin(next, spareMark: spareMark)
  }

  /// Of the log after `current`.
  private func capacity(after current: LogWriter?) -> UInt64 {
    guard let current else { return sizing.smallest }
    let now = clock.monotonicNanoseconds()
    return sizing.next(
      after: current.capacity, filled: current.end, in: now &- min(now, current.beginning))
  }

  /// The log prepared ahead, if it will do.
  private func takeSpare(withRoomFor byteCount: Int) -> LogWriter? {
    let (spare, unfit) = state.withLock { state -> (LogWriter?, LogWriter?) in
      let overtaken = state.takeOvertaken()
      guard let spare = state.spare else { return (nil, overtaken) }
      state.spare = nil
      return spare.hasRoom(for: byteCount) ? (spare, nil) : (nil, spare)
    }
    if let unfit { discard(unfit) }
    return spare
  }

  /// Removes a log that holds nothing anybody needs; one that stays is an orphan.
  func discard(_ log: LogWriter) {
    log.closeQuietly()
    try? directory.remove(log.name)
  }

  /// A log for at once. The best is one that is ready but for its header, if it holds `needed`;
  /// otherwise a new one of `capacity` bytes, or on a disk that has no room for that, of `needed`.
  private func makeLog(capacity: UInt64, atLeast needed: UInt64) throws(StoreError) -> LogWriter {
    if let retired = takeRetired(capacity: needed) { return try recycle(retired) }
    do {
      return try makeLog(capacity: capacity)
    } catch {
      let smaller = max(Self.smallestCapacity, needed)
      guard error.code == .full, smaller < capacity else { throw error }
      return try makeLog(capacity: smaller)
    }
  }

  private func makeLog(capacity: UInt64) throws(StoreError) -> LogWriter {
    let identity = try makeIdentity()
    return try made { () throws(FileSystemError) in
      try LogWriter.create(
        identity, storeTag: storeTag, capacity: capacity, in: directory)
    }
  }

  private func recycle(_ retired: LogWriter) throws(StoreError) -> LogWriter {
    let identity = try makeIdentity()
    return try made { () throws(FileSystemError) in
      try LogWriter.recycle(retired, as: identity, storeTag: storeTag, in: directory)
    }
  }

  private func makeIdentity() throws(StoreError) -> LogIdentity {
    LogIdentity(number: try numbers.next(), salt: random.next())
  }

  private func made(
    _ make: () throws(FileSystemError) -> LogWriter
  ) throws(StoreError) -> LogWriter {
    do throws(FileSystemError) { return try make() } catch {
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
    let (current, overtaken) = state.withLock { state -> (LogWriter?, LogWriter?) in
      guard !state.isPreparing, !state.isOver, let current = state.current,
        current.end > state.spareMark
      else { return (nil, nil) }
      let overtaken = state.takeOvertaken()
      guard state.spare == nil else { return (nil, overtaken) }
      state.isPreparing = true
      return (current, overtaken)
    }
    if let overtaken { discard(overtaken) }
    guard let current else { return }
    let spare = failure == nil ? try? makeSpare(capacity: capacity(after: current)) : nil
    let late = state.withLock { state -> LogWriter? in
      state.isPreparing = false
      guard !state.isOver else { return spare }
      state.spare = spare
      return nil
    }
    // The directory may be somebody else's by now: what is left there goes at the next opening.
    late?.closeQuietly()
  }

  private func makeSpare(capacity: UInt64) throws(StoreError) -> LogWriter {
    if let retired = takeRetired(capacity: capacity) { return try recycle(retired) }
    return try makeLog(capacity: capacity)
  }

  /// Whether the background should look after the next log now; true once for each log. For the
  /// leader.
  func takesWishForSpare() -> Bool {
    guard let log = appender.log, appender.stop < log.capacity, appender.end > appender.stop else {
      return false
    }
    appender.stop = log.capacity
    return true
  }
}
