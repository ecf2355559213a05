/// Judges what many threads did and saw; pure.
///
/// ```
///   one moment           every keyspace shows a writer in the same round, and all of that round
///   the writer's past    the round was begun before the moment was over
///   real time            what was acknowledged, or seen by anybody, before the moment began is seen in it
///   one order            any two moments: one of them is later, or they are the same
///   after a power cut    what was made durable before is there; after a close, all is
/// ```
package struct HistoryChecker {
  package enum Violation: Equatable, Sendable {
    case neverWritten
    case mixedMoment
    case missedWrite
    case wentBack
    case disorderedMoments
    case lostWrite
  }

  package struct Finding: Sendable, CustomStringConvertible {
    package var violation: Violation
    package var description: String
  }

  /// What is known of one writer, in order of rounds and of time.
  private struct Writer {
    var begins: [UInt64] = []
    var ends: [UInt64] = []
    /// The last round that was seen, and that was acknowledged as durable, up to an end.
    var seen: [Known] = []
    var synced: [Known] = []
  }

  /// The largest value up to the end of a call.
  private typealias Known = (end: UInt64, value: UInt64)

  private var writers: [Writer]
  /// Calls that made everything before them durable: the latest beginning up to an end.
  private var syncs: [Known] = []
  private var findings: [Finding] = []
  private let history: [HistoryRecord]

  package static func findings(in history: [HistoryRecord], writers: Int) -> [Finding] {
    var checker = HistoryChecker(history, writers: writers)
    for record in history { checker.judge(record) }
    checker.judgeOrder()
    return checker.findings
  }

  private init(_ history: [HistoryRecord], writers count: Int) {
    self.history = history
    writers = [Writer](repeating: Writer(), count: count)
    for record in history { learn(record) }
    for index in writers.indices {
      Self.accumulate(&writers[index].seen)
      Self.accumulate(&writers[index].synced)
    }
    Self.accumulate(&syncs)
  }

  private mutating func learn(_ record: HistoryRecord) {
    switch record.act {
    case .wrote(let writer, let round, let isSynced):
      precondition(round == writers[writer].begins.count + 1, "a writer's rounds are in order")
      writers[writer].begins.append(record.begin)
      writers[writer].ends.append(record.end)
      if isSynced {
        writers[writer].synced.append((record.end, UInt64(round)))
        syncs.append((record.end, record.begin))
      }
    case .synced: syncs.append((record.end, record.begin))
    case .saw(let sightings):
      for sighting in sightings {
        writers[sighting.writer].seen.append((record.end, UInt64(max(0, sighting.round))))
      }
    case .found: break
    }
  }

  /// Sorts by ends, and lets each have the largest value up to it.
  private static func accumulate(_ pairs: inout [Known]) {
    pairs.sort { $0.end < $1.end }
    for index in pairs.indices.dropFirst() {
      pairs[index].value = max(pairs[index].value, pairs[index - 1].value)
    }
  }

  /// The largest value known before a moment.
  private static func known(in pairs: [Known], before moment: UInt64) -> UInt64 {
    let count = pairs.place { $0.end < moment ? -1 : 1 }.index
    return count == 0 ? 0 : pairs[count - 1].value
  }
}

// MARK: - Each moment

extension HistoryChecker {
  private mutating func judge(_ record: HistoryRecord) {
    switch record.act {
    case .wrote, .synced: break
    case .saw(let sightings):
      judgeMoment(sightings, record)
      for sighting in sightings { judgePast(of: sighting, record) }
    case .found(let sightings, let after):
      judgeMoment(sightings, record)
      for sighting in sightings { judgeSurvival(of: sighting, after, record) }
    }
  }

  private mutating func judgeMoment(_ sightings: [Sighting], _ record: HistoryRecord) {
    var rounds = [Int?](repeating: nil, count: writers.count)
    for sighting in sightings {
      let round = sighting.round
      let begun = writers[sighting.writer].begins.place { $0 < record.end ? -1 : 1 }.index
      if round < 0 || round > begun {
        find(.neverWritten, "\(sighting), of \(begun) rounds begun", record)
      }
      if !sighting.isWhole || rounds[sighting.writer].map({ $0 != round }) ?? false {
        find(.mixedMoment, "\(sighting) in a moment of \(sightings.count) sightings", record)
      }
      rounds[sighting.writer] = round
    }
  }

  private mutating func judgePast(of sighting: Sighting, _ record: HistoryRecord) {
    // What is no round at all is neither early nor late.
    guard sighting.round >= 0 else { return }
    let writer = writers[sighting.writer]
    let acknowledged = writer.ends.place { $0 < record.begin ? -1 : 1 }.index
    if sighting.round < acknowledged {
      find(.missedWrite, "\(sighting), round \(acknowledged) was acknowledged before", record)
    }
    let seen = Self.known(in: writer.seen, before: record.begin)
    if sighting.round < Int(seen) {
      find(.wentBack, "\(sighting), round \(seen) was seen before", record)
    }
  }

  private mutating func judgeSurvival(
    of sighting: Sighting, _ after: HistoryRecord.After, _ record: HistoryRecord
  ) {
    guard sighting.round >= 0 else { return }
    let writer = writers[sighting.writer]
    // What was acknowledged before the last sync began that was over in time.
    let moment =
      after == .powerCut ? Self.known(in: syncs, before: record.begin) : record.begin
    let before = writer.ends.place { $0 < moment ? -1 : 1 }.index
    let synced = Self.known(in: writer.synced, before: record.begin)
    let durable = max(before, Int(synced))
    if sighting.round < durable {
      find(.lostWrite, "\(sighting) after a \(after), round \(durable) was durable", record)
    }
  }

  private mutating func find(_ violation: Violation, _ what: String, _ record: HistoryRecord) {
    findings.append(
      Finding(
        violation: violation,
        description:
          "\(violation): thread \(record.thread), \(record.begin) to \(record.end): \(what)"))
  }
}

// MARK: - All of them

extension HistoryChecker {
  /// Commits are made one after the other: of two moments that show all writers none may be later for one
  /// writer and earlier for another.
  private mutating func judgeOrder() {
    var moments: [(rounds: [Int], record: HistoryRecord)] = []
    for record in history {
      switch record.act {
      case .saw(let sightings), .found(let sightings, _):
        if let rounds = rounds(of: sightings) { moments.append((rounds, record)) }
      case .wrote, .synced: break
      }
    }
    moments.sort { $0.rounds.reduce(0, +) < $1.rounds.reduce(0, +) }
    for (first, second) in zip(moments, moments.dropFirst()) {
      guard zip(first.rounds, second.rounds).contains(where: >) else { continue }
      find(
        .disorderedMoments, "\(second.rounds), and \(first.rounds) from \(first.record.begin)",
        second.record)
    }
  }

  /// The round of every writer in a moment; nil where it does not show all of them.
  private func rounds(of sightings: [Sighting]) -> [Int]? {
    var rounds = [Int?](repeating: nil, count: writers.count)
    for sighting in sightings { rounds[sighting.writer] = sighting.round }
    let known = rounds.compactMap(\.self)
    return known.count == writers.count ? known : nil
  }
}
