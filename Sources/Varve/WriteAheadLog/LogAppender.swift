import VarveFormat

/// What the commit leader knows of the log by heart, so that an append takes no lock.
///
/// `@unchecked Sendable`: only the leader touches it, and the lead is handed on under the pipeline's
/// ordering.
@safe
final class LogAppender: @unchecked Sendable {
  /// The log that takes records.
  var log: LogWriter? {
    didSet { unsafe lentLog = log.map { unsafe .passUnretained($0) } }
  }
  /// The same, to be used without counting a reference: `log` keeps it.
  private(set) var lentLog: Unmanaged<LogWriter>?
  /// Where the next record goes.
  var end: UInt64 = 0
  /// Up to here there is nothing to look after: then comes the wish for the next log, then the end of
  /// this one.
  var stop: UInt64 = 0
  /// What the next record may say is durable, and the highest that one has said.
  var watermark = LogPosition.none
  var stated = LogPosition.none
  /// How often the watermark had moved when it was looked at.
  var seenMoves: UInt64 = 0

  /// Goes on in another log, and wishes for the one after it from `spareMark` on.
  func begin(_ next: LogWriter, spareMark: UInt64) {
    log = next
    end = next.end
    stop = spareMark
  }
}
