/// How the logs of a store are surveyed: in which order, by whom, and who else sees their records.
package struct LogSurveying: Sendable {
  /// Who is handed the records of one log.
  package typealias Visit = (LogRecord) -> Void

  /// Does something once for each number below a count, in any order and by any threads, and returns
  /// when all is done.
  package var forEach: @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void
  /// Asked, by the thread that surveys it, who is to be handed the whole records of the log with this
  /// number, in their order: for the one reading of the file to serve both. Whether the log is
  /// believed at all is decided later.
  package var visitor: @Sendable (_ log: UInt64) -> Visit?

  package init(
    forEach: @escaping @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void = {
      count, body in for index in 0..<count { body(index) }
    },
    visitor: @escaping @Sendable (_ log: UInt64) -> Visit? = { _ in nil }
  ) {
    self.forEach = forEach
    self.visitor = visitor
  }
}

/// A log to be surveyed, and what came of it.
final class SurveyTask: @unchecked Sendable {
  // @unchecked: one thread runs it, and who asks for the survey waits for that.
  private let source: LogSource
  private let extent: LogExtent?
  private let storeTag: UInt64
  private var result: Result<LogSurvey, LogDamage>

  init(_ source: LogSource, _ extent: LogExtent?, storeTag: UInt64) {
    self.source = source
    self.extent = extent
    self.storeTag = storeTag
    // A log that nobody surveyed is as good as gone.
    result = .failure(LogDamage(log: source.number, .missing, at: 0))
  }

  func run(_ visitor: (UInt64) -> LogSurveying.Visit?) {
    do throws(FormatError) {
      result = .success(
        try LogSurvey(
          source, storeTag: storeTag, checkpointOffset: extent?.length,
          visit: visitor(source.number)))
    } catch {
      result = .failure(LogDamage(log: source.number, error))
    }
  }

  var survey: LogSurvey {
    get throws(LogDamage) { try result.get() }
  }
}
