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

  static let smallestCapacity: UInt64 = 64 << 10

  struct State {
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

  let state: Monitor<State>
  /// Held while files are synced, so that two syncs do not report each other's work.
  let syncing = Monitor(())
  let poison: Poison
  let directory: any Directory
  let numbers: FileNumbers
  let random: any RandomSource
  let storeTag: UInt64
  let largestCapacity: UInt64
  /// Makes the values durable that records point to.
  let syncValues: @Sendable () throws(StoreError) -> Void

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

  func fail(_ error: FileSystemError) -> StoreError {
    poison.set(because: StoreError(error))
  }
}
