import Synchronization
import VarveFormat
import VarvePlatform

/// The append-only log: a chain of files, each begun with an identity of its own.
///
/// ```
///   older (being made durable)     current                    spare (prepared ahead)
///   log-07 ######################  log-08 ########----------  log-09 ------------------
///                   ^ watermark: durable up to here                        ^ written again
///   left, retired (durable; flushed): log-05 ################ ────────────┘
/// ```
///
/// Appending and rotating belong to the commit leader alone. Syncing may also happen in the
/// background; the watermark only moves forward. After a failed append or sync the log is
/// *poisoned*: nothing is appended any more, and reopening recovers what is durable.
final class WriteAheadLog: Sendable {
  /// What a record must be framed for.
  struct Place {
    let identity: LogIdentity
    let offset: UInt64
    let watermark: LogPosition
  }

  static let smallestCapacity: UInt64 = 16 << 10

  struct State {
    var current: LogWriter?
    /// From where on in it the spare should be made ready.
    var spareMark: UInt64 = 0
    /// Where the last log ended that was left because its memtable was full.
    var fullEnd: UInt64?
    /// Rotated logs whose ends are not known durable yet, oldest first.
    var older: [LogWriter] = []
    var durable = LogPosition.none
    /// The highest watermark that an appended record states.
    var stated = LogPosition.none
    var spare: LogWriter?
    /// Durable logs that a memtable still needs and that are worth another life, oldest first.
    var left: [LogWriter] = []
    /// Logs below it are in segments.
    var floor: UInt64 = 0
    /// Logs that wait for another life, the largest first.
    var retired: [LogWriter] = []
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
  let appender = LogAppender()
  /// How often `State.durable` has moved.
  let durableMoves = Atomic<UInt64>(0)
  /// Held while the chain is made durable, one log after the other. Each file remembers a failure of
  /// its own.
  let syncing = Monitor(())
  let poison: Poison
  let directory: any Directory
  let numbers: FileNumbers
  let random: any RandomSource
  let storeTag: UInt64
  let sizing: LogSizing
  let clock: StoreClock
  /// Makes the values durable that records point to.
  let syncValues: @Sendable () throws(StoreError) -> Void

  init(
    directory: any Directory, numbers: FileNumbers, random: any RandomSource, storeTag: UInt64,
    sizing: LogSizing, clock: StoreClock, poison: Poison,
    syncValues: @escaping @Sendable () throws(StoreError) -> Void
  ) {
    state = Monitor(State())
    self.directory = directory
    self.numbers = numbers
    self.random = random
    self.storeTag = storeTag
    self.sizing = sizing
    self.clock = clock
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

  func fail(_ error: FileSystemError) -> StoreError {
    poison.set(because: StoreError(error))
  }
}

// MARK: - Appending (the leader)

extension WriteAheadLog {
  /// Whether records of `byteCount` bytes can be appended without looking after anything.
  @inline(__always)
  func isAtEase(for byteCount: Int) -> Bool {
    appender.end &+ UInt64(byteCount) <= appender.stop && poison.failure == nil
  }

  /// Whether records of `byteCount` bytes fit the current log.
  func hasRoom(for byteCount: Int) -> Bool { appender.log?.hasRoom(for: byteCount) ?? false }

  /// ``end``, without asking anybody.
  var place: LogPosition? {
    appender.log.map { LogPosition(log: $0.number, offset: appender.end) }
  }

  /// Where the next record will stand, and what it may say is durable.
  @inline(__always)
  func nextPlace() throws(StoreError) -> Place {
    guard let log = unsafe appender.lentLog else { throw StoreError(.closed, "no log is open") }
    let moves = durableMoves.load(ordering: .acquiring)
    if moves != appender.seenMoves {
      appender.seenMoves = moves
      appender.watermark = durable
    }
    return Place(
      identity: unsafe log.lend(\.identity), offset: appender.end, watermark: appender.watermark)
  }

  /// Appends records framed for `place`, the next one.
  ///
  /// A failure poisons: the log's end is unknown from then on.
  func append(_ records: ByteView, at place: Place) throws(StoreError) {
    guard let log = unsafe appender.lentLog else { throw StoreError(.closed, "no log is open") }
    do throws(FileSystemError) {
      try unsafe log.lend { log throws(FileSystemError) in
        try log.append(records, at: place.offset)
      }
    } catch {
      if state.withLock({ $0.isAbandoned }) {
        throw StoreError(.closed, "the log was given up", file: error.path)
      }
      throw fail(error)
    }
    appender.end = place.offset &+ UInt64(records.count)
    if place.watermark > appender.stated {
      appender.stated = place.watermark
      state.withLock { $0.stated = place.watermark }
    }
  }
}
