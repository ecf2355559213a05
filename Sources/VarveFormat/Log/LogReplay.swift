/// What the logs of a store hold and how far they can be believed.
///
/// ```
///             log 7                     log 9                  log 12
/// floor  [r r r r r r r]0000   [r r r r x . . r .]      [r r r r]
///                                  |   |
///          replayed                |   the walk stops here
///                                  highest watermark (of any header, log or the manifest)
///
/// x above the watermark: a torn tail. x and all behind it, log 12 included, are dropped.
/// x below the watermark: corruption. Nothing is replayed.
/// ```
///
/// Sequence numbers tie the logs together: each record begins with the number after the last one
/// before it. A jump ahead at the start of a log means that the log before it lost its end; a step
/// back means that the logs were not written like this. Spec: log.md, "Reading the logs of a store".
package struct LogReplay: Sendable {
  /// A log and the part of it that holds the records to replay.
  package struct Part: Sendable {
    package var identity: LogIdentity
    /// From the file's start to where the replay of this log ends: give it to ``LogReader``.
    package var bytes: ByteView
  }

  /// Logs in the order of their records.
  package var parts: [Part] = []
  /// Of the last entry in the replayed records and the segments.
  package var lastSequence: SequenceNumber
  /// Everything below was durable before the store ended. Damage found later by what the records
  /// point to is corruption below it and a torn tail above.
  package var durable: LogPosition
  /// What was dropped, if anything.
  package var tornTail: TornTail?
  /// Logs that belong to no version, to be removed.
  package var orphans: [UInt64] = []
}

/// The end of the logs that a crash made unreadable. Nothing in it was known to be durable.
package struct TornTail: Equatable, Sendable {
  /// Where the replay stopped.
  package var position: LogPosition
  /// What stands there; nil where the log ends well and only its continuation is missing.
  package var flaw: LogFlaw?
  /// Bytes from there up to the last one that is not zero, in that log and later ones. An upper
  /// bound in a recycled log, whose earlier life may reach beyond its last record.
  package var droppedBytes: Int = 0
  /// Record headers found among them.
  package var droppedRecords: Int = 0
  /// Later logs that are dropped whole.
  package var droppedLogs: [UInt64] = []
}

/// Damage below the watermark: the store cannot be opened without losing what was acknowledged.
package struct LogDamage: Error, Equatable, Sendable {
  package var log: UInt64
  package var error: FormatError

  package init(log: UInt64, _ error: FormatError) {
    self.log = log
    self.error = error
  }

  package init(log: UInt64, _ fault: FormatError.Fault, at offset: UInt64) {
    self.init(log: log, FormatError(.logRecord, fault, at: offset))
  }

  /// The damaged file.
  package var file: FileName { FileName(.log, log) }
}

extension LogReplay {
  /// Decides what to replay from every log file that a store's directory holds.
  ///
  /// Pure. Reads each file once, or twice behind a torn record; the caller then walks `parts`.
  package init(
    _ logs: [LogSource], of manifest: Manifest, by surveying: LogSurveying = LogSurveying()
  ) throws(LogDamage) {
    let judge = try LogJudge(logs, of: manifest, by: surveying)
    let walk = try LogWalk(judge)
    lastSequence = manifest.lastSequence
    if let next = walk.nextSequence {
      lastSequence = max(lastSequence, SequenceNumber(next.rawValue - 1))
    }
    durable = judge.durable
    orphans = judge.orphans
    tornTail = walk.tornTail
    for index in walk.replayed {
      let survey = judge.surveys[index]
      guard let identity = survey.identity else { continue }
      parts.append(Part(identity: identity, bytes: survey.bytes.prefix(survey.endOffset)))
    }
  }
}
