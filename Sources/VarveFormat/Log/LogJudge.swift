/// Weighs the surveys of all logs against each other and against the manifest.
///
/// The order of the work: survey every log; take the highest watermark anybody states; hold each log
/// the manifest names to what it says, and the log of the watermark to that; then walk the logs in
/// order, and stop at the first flaw.
struct LogJudge {
  let manifest: Manifest
  private(set) var surveys: [LogSurvey] = []
  private(set) var orphans: [UInt64] = []
  /// The highest watermark that any intact header or the manifest states.
  private(set) var durable = LogPosition.none

  init(
    _ logs: [LogSource], of manifest: Manifest, by surveying: LogSurveying
  ) throws(LogDamage) {
    self.manifest = manifest
    var tasks: [SurveyTask] = []
    for log in logs.sorted(by: { $0.number < $1.number }) {
      if manifest.needs(log: log.number) {
        guard UInt64(log.bytes.count) <= Limits.logFileBytes else {
          throw LogDamage(log: log.number, .limit("file size"), at: Limits.logFileBytes)
        }
        tasks.append(
          SurveyTask(log, manifest.extent(of: log.number), storeTag: manifest.storeID.low))
      } else {
        orphans.append(log.number)
      }
    }
    surveying.forEach(tasks.count) { [tasks] in tasks[$0].run(surveying.visitor) }
    for task in tasks { surveys.append(try task.survey) }
    durable = surveys.map(\.watermark).max() ?? .none
    for extent in manifest.logs where extent.length > FileHeader.byteCount {
      durable = max(durable, LogPosition(log: extent.number, offset: extent.length))
    }
    try checkExtents()
    try checkWatermarkLog()
  }
}

// MARK: - What the manifest says

extension LogJudge {
  private func checkExtents() throws(LogDamage) {
    // Both ascend by number.
    var rest = surveys[...]
    for extent in manifest.logs {
      rest = rest.drop { $0.number < extent.number }
      guard let survey = rest.first, survey.number == extent.number else {
        throw LogDamage(log: extent.number, .missing, at: 0)
      }
      try check(survey, against: extent)
      if manifest.isCleanlyClosed { try checkExactLength(of: survey, extent.length) }
    }
  }

  /// Every record below the extent's length must be there, and end where it says.
  private func check(_ survey: LogSurvey, against extent: LogExtent) throws(LogDamage) {
    guard survey.identity != nil, UInt64(survey.endOffset) >= extent.length else {
      throw LogDamage(log: survey.number, survey.endError)
    }
    guard let checkpoint = survey.checkpoint else {
      throw LogDamage(log: survey.number, .value("log length"), at: extent.length)
    }
    let last = checkpoint.nextSequence.map { $0.rawValue &- 1 } ?? 0
    guard last == extent.lastSequence.rawValue else {
      throw LogDamage(log: survey.number, .order, at: extent.length)
    }
  }

  /// After a clean close nothing may stand behind the last record, not even zeros.
  private func checkExactLength(of survey: LogSurvey, _ length: UInt64) throws(LogDamage) {
    guard UInt64(survey.bytes.count) == length else {
      throw LogDamage(log: survey.number, .excess, at: length)
    }
  }

  /// The log in which the highest watermark stands must be there if it held any record.
  private func checkWatermarkLog() throws(LogDamage) {
    guard durable.log >= manifest.logFloor, durable.offset > FileHeader.byteCount else { return }
    guard let survey = surveys.first(where: { $0.number == durable.log }) else {
      throw LogDamage(log: durable.log, .missing, at: 0)
    }
    guard survey.identity != nil, durable <= survey.endPosition else {
      throw LogDamage(log: durable.log, survey.endError)
    }
  }
}

extension LogSurvey {
  /// Where the records end.
  var endPosition: LogPosition { LogPosition(log: number, offset: UInt64(endOffset)) }

  /// What stands there, as an error; that something is missing where it ends well.
  var endError: FormatError {
    switch end {
    case .clean: FormatError(.logRecord, .missing, at: UInt64(endOffset))
    case .invalid(let flaw): flaw.error
    }
  }

  var flaw: LogFlaw? {
    if case .invalid(let flaw) = end { flaw } else { nil }
  }
}

// MARK: - The walk

/// Walks the surveyed logs in order and stops where the first record is lost.
struct LogWalk {
  let judge: LogJudge
  /// The last log that was used at all.
  private var previous: Int?
  /// The first torn end since the last log that had records: where the walk stops, unless a later
  /// log goes on with the very next sequence number.
  private var tornEnd: Int?
  /// What the next record must begin with; nil before the first.
  private(set) var nextSequence: SequenceNumber?
  /// The logs whose records are to be replayed.
  private(set) var replayed: [Int] = []
  private(set) var tornTail: TornTail?

  init(_ judge: LogJudge) throws(LogDamage) {
    self.judge = judge
    for (index, survey) in judge.surveys.enumerated() where survey.identity != nil {
      guard try goesOn(with: survey) else {
        if let stop = tornEnd ?? previous {
          try self.stop(atEndOf: stop)
        } else {
          try self.stop(before: index)
        }
        return
      }
      try take(index, survey)
    }
    if let tornEnd { try stop(atEndOf: tornEnd) }
  }

  /// Whether the log begins where the ones before it ended. Throws where it steps back.
  private func goesOn(with survey: LogSurvey) throws(LogDamage) -> Bool {
    guard let first = survey.firstSequence else { return true }
    guard let nextSequence else {
      return first.rawValue <= judge.manifest.lastSequence.rawValue &+ 1
    }
    guard first >= nextSequence else {
      throw LogDamage(log: survey.number, .order, at: survey.firstSequencePlace)
    }
    return first == nextSequence
  }

  private mutating func take(_ index: Int, _ survey: LogSurvey) throws(LogDamage) {
    if survey.firstSequence != nil {
      replayed.append(index)
      nextSequence = survey.nextSequence
      tornEnd = nil
    }
    previous = index
    switch survey.end {
    case .clean: break
    case .invalid(.torn): tornEnd = tornEnd ?? index
    case .invalid(.broken(let error)):
      // Behind a torn record it is dropped with everything else.
      guard tornEnd != nil else { throw LogDamage(log: survey.number, error) }
    }
  }
}

// MARK: - The stop

extension LogWalk {
  /// Drops everything behind the records of a log: what followed them is torn or gone.
  private mutating func stop(atEndOf index: Int) throws(LogDamage) {
    let survey = judge.surveys[index]
    guard judge.durable <= survey.endPosition else {
      throw LogDamage(log: survey.number, survey.endError)
    }
    var tail = TornTail(position: survey.endPosition, flaw: survey.flaw)
    tail.droppedBytes = survey.written.dropping(survey.endOffset).countToLastNonZero
    tail.droppedRecords = survey.laterHeaders
    tail.drop(judge.surveys[(index + 1)...])
    tornTail = tail
  }

  /// Drops a log and everything behind it: what came before it is gone, file and all.
  private mutating func stop(before index: Int) throws(LogDamage) {
    let survey = judge.surveys[index]
    guard judge.durable.log < survey.number else {
      throw LogDamage(log: survey.number, .missing, at: UInt64(FileHeader.byteCount))
    }
    var tail = TornTail(
      position: LogPosition(log: survey.number, offset: UInt64(FileHeader.byteCount)), flaw: nil)
    tail.drop(judge.surveys[index...])
    tornTail = tail
  }
}

extension TornTail {
  fileprivate mutating func drop(_ surveys: ArraySlice<LogSurvey>) {
    for survey in surveys where survey.identity != nil {
      droppedLogs.append(survey.number)
      droppedBytes += survey.written.dropping(FileHeader.byteCount).countToLastNonZero
      droppedRecords += survey.recordCount + survey.laterHeaders
    }
  }
}

extension Manifest {
  /// Whether a log file may hold what is in no segment. Below the floor it does not. After a clean close the manifest
  /// names every log of its time; one that is not named and not newer was left over.
  package func needs(log number: UInt64) -> Bool {
    guard number >= logFloor else { return false }
    guard isCleanlyClosed, number < nextFileNumber else { return true }
    return extent(of: number) != nil
  }
}
