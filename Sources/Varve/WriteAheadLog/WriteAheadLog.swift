import VarveFormat
import VarvePlatform

/// The append-only log: a chain of files, each begun with an identity of its own.
///
/// ```
///   older (being made durable)     current                    spare (prepared ahead)
///   log-07 ######################  log-08 ########----------  log-09 ------------------
///                   ^ watermark: durable up to here
/// ```
///
/// Appending and rotating belong to the commit leader alone. Syncing may also happen in the
/// background; the watermark only moves forward. After a failed append or sync the log is
/// *poisoned*: nothing is appended any more, and reopening recovers what is durable.
final class WriteAheadLog: Sendable {
  /// What a record must be framed for.
  struct Place {
    var identity: LogIdentity
    var offset: UInt64
    var watermark: LogPosition
  }

  private struct State {
    var current: LogWriter?
    /// Rotated logs whose ends are not known durable yet, oldest first.
    var older: [LogWriter] = []
    var durable = LogPosition.none
    /// The highest watermark that an appended record states.
    var stated = LogPosition.none
    var spare: LogWriter?
    var nextCapacity: UInt64
    var isPreparing = false
    /// Set when the chain was ended or given up: no log begins any more.
    var isOver = false
    /// Set when it was given up: what was not durable by then never will be.
    var isAbandoned = false

    /// Where everything appended so far ends: in the last log that holds a record. The watermark
    /// moves into a new log only once a record there is durable.
    var reached: LogPosition? {
      let logs = older + [current].compactMap(\.self)
      return logs.last { $0.end > UInt64(FileHeader.byteCount) }
        .map { LogPosition(log: $0.number, offset: $0.end) }
    }
  }

  private let state: Monitor<State>
  /// Held while files are synced, so that two syncs do not report each other's work.
  private let syncing = Monitor(())
  private let poison: Poison
  private let directory: any Directory
  private let numbers: FileNumbers
  private let random: any RandomSource
  private let storeTag: UInt64
  private let largestCapacity: UInt64
  /// Makes the values durable that records point to.
  private let syncValues: @Sendable () throws(StoreError) -> Void

  init(
    directory: any Directory, numbers: FileNumbers, random: any RandomSource, storeTag: UInt64,
    firstCapacity: UInt64, largestCapacity: UInt64, poison: Poison,
    syncValues: @escaping @Sendable () throws(StoreError) -> Void
  ) {
    state = Monitor(State(nextCapacity: firstCapacity))
    self.directory = directory
    self.numbers = numbers
    self.random = random
    self.storeTag = storeTag
    self.largestCapacity = largestCapacity
    self.poison = poison
    self.syncValues = syncValues
  }

  /// What made the log refuse, or nil while it accepts.
  var failure: StoreError? { poison.failure }

  /// Where the next record goes; nil before the first log.
  var end: LogPosition? {
    state.withLock { $0.current.map { LogPosition(log: $0.number, offset: $0.end) } }
  }

  /// Everything before it is durable.
  var durable: LogPosition { state.withLock { $0.durable } }
}

// MARK: - Appending (the leader)

extension WriteAheadLog {
  /// Whether records of `byteCount` bytes fit the current log.
  func hasRoom(for byteCount: Int) -> Bool {
    state.withLock { state in
      state.current.map { $0.capacity - $0.end >= UInt64(byteCount) } ?? false
    }
  }

  /// Makes room for records of `byteCount` bytes, in a new log if need be.
  ///
  /// - Returns: whether a new log was begun.
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
      next = try makeLog(capacity: wanted)
    }
    state.withLock { state in
      if let current { state.older.append(current) }
      state.current = next
      state.nextCapacity = min(largestCapacity, max(state.nextCapacity, wanted) * 2)
    }
  }

  /// Where the next record will stand, and what it may say is durable; nil before the first log.
  var nextPlace: Place? {
    state.withLock { state in
      state.current.map { log in
        Place(identity: log.identity, offset: log.end, watermark: state.durable)
      }
    }
  }

  /// Appends records framed for ``nextPlace``.
  ///
  /// A failure poisons: the log's end is unknown from then on.
  func append(_ records: ByteView, stating watermark: LogPosition) throws(StoreError) {
    guard let current = state.withLock({ $0.current }) else {
      throw StoreError(.closed, "no log is open")
    }
    do throws(FileSystemError) {
      try current.file.append(records, at: current.end)
    } catch {
      throw fail(error)
    }
    state.withLock { state in
      current.end += UInt64(records.count)
      state.stated = max(state.stated, watermark)
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

// MARK: - Syncing (any thread)

extension WriteAheadLog {
  /// Makes everything durable that was appended before the call: the values that records point to,
  /// then each older log, then the current one. A failure poisons, and is never tried again.
  func sync() throws(StoreError) {
    try syncing.withLock { _ throws(StoreError) in
      if let failure { throw failure }
      let (older, current, reached) = try state.withLock { state throws(StoreError) in
        if state.isAbandoned { throw StoreError(.closed, "the log was given up") }
        return (state.older, state.current, state.reached)
      }
      guard let current, let reached, reached > durable || !older.isEmpty else { return }
      do throws(StoreError) {
        try syncValues()
      } catch {
        throw poison.set(because: error)
      }
      for log in older { try cutToLength(log) }
      for log in older + [current] { try sync(log) }
      state.withLock { state in
        state.durable = max(state.durable, reached)
        let synced = Set(older.map(\.number))
        state.older.removeAll { synced.contains($0.number) }
      }
      for log in older { log.closeQuietly() }
    }
  }

  /// A log that is left has exactly its records, so that its end can be told from a torn one.
  private func cutToLength(_ log: LogWriter) throws(StoreError) {
    do throws(FileSystemError) { try log.file.truncate(to: log.end) } catch { throw fail(error) }
  }

  private func sync(_ log: LogWriter) throws(StoreError) {
    do throws(FileSystemError) { try log.file.sync() } catch { throw fail(error) }
  }

  private func fail(_ error: FileSystemError) -> StoreError {
    poison.set(because: StoreError(error))
  }
}

// MARK: - Preparing and closing

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

  /// Whether a rotated log waits to be made durable.
  var hasOlder: Bool { state.withLock { !$0.older.isEmpty } }

  /// Whether the log holds durable records that no later record says are durable.
  func needsWatermark(at end: LogPosition) -> Bool {
    state.withLock { state in
      guard let current = state.current, current.number == end.log, current.end == end.offset,
        current.end > UInt64(FileHeader.byteCount)
      else { return false }
      return state.durable > state.stated && state.durable.log == current.number
    }
  }

  /// Ends the chain: syncs, cuts the current log to its exact length and removes the spare.
  ///
  /// - Returns: the extent of the log that was current, if there was one.
  func close() throws(StoreError) -> (number: UInt64, length: UInt64)? {
    try sync()
    let (current, spare) = state.withLock { state in
      defer { (state.current, state.spare, state.isOver) = (nil, nil, true) }
      return (state.current, state.spare)
    }
    if let spare {
      spare.closeQuietly()
      do throws(FileSystemError) { try directory.remove(spare.name) } catch {
        throw StoreError(error)
      }
    }
    guard let current else { return nil }
    do throws(FileSystemError) {
      try current.file.truncate(to: current.end)
      try current.file.sync()
      try current.file.close()
    } catch {
      throw fail(error)
    }
    return (current.number, current.end)
  }

  /// Lets go of the files without making anything durable: the close of a poisoned store.
  func abandon() {
    let logs = state.withLock { state in
      defer { (state.current, state.spare, state.older) = (nil, nil, []) }
      (state.isOver, state.isAbandoned) = (true, true)
      return state.older + [state.current, state.spare].compactMap { $0 }
    }
    for log in logs { log.closeQuietly() }
  }
}
