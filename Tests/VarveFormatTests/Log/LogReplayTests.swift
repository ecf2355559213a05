import Testing
import VarveFormat

@Suite("Verdict over the logs of a store")
struct LogReplayTests {
  /// Two logs: everything in the first and the first record of the second are known durable.
  static func twoLogs() -> [LogBuilder] {
    var first = LogBuilder(number: 7, salt: 11)
    first.batch(2)
    first.sync()
    first.entry()
    first.batch(3)
    first.sync()
    var second = LogBuilder(
      number: 9, salt: 12, firstSequence: first.nextSequence, watermark: first.end)
    second.entry()
    second.sync()
    second.batch(2)
    second.entry()
    return [first, second]
  }

  static func files(_ logs: [LogBuilder]) -> [(number: UInt64, bytes: [UInt8])] {
    logs.map { ($0.number, $0.bytes) }
  }

  static func payloads(_ logs: [LogBuilder]) -> [[UInt8]] { logs.flatMap(\.payloads) }

  @Test func noLogsHoldNothing() throws {
    let verdict = try Verdict([], .forLogs(lastSequence: 12))
    #expect(verdict.batches.isEmpty)
    #expect(verdict.lastSequence == 12)
    #expect(verdict.tornTail == nil)
  }

  @Test func wholeLogsAreReplayedInOrder() throws {
    let logs = Self.twoLogs()
    let verdict = try Verdict(Self.files(logs).reversed(), .forLogs())
    #expect(verdict.batches == Self.payloads(logs))
    #expect(verdict.lastSequence == 10)
    #expect(verdict.ends == logs.map(\.end))
    #expect(verdict.durable == logs[1].watermark)
    #expect(verdict.tornTail == nil)
  }

  // MARK: - Zeros that the file system knows of

  /// Logs that end in zeros: whole, torn, torn with later records, cut in a record, and never used.
  private static func logsWithTails() -> [[(number: UInt64, bytes: [UInt8])]] {
    let whole = files(twoLogs())
    let log = twoLogs()[1]
    let last = log.offsets[2]
    return [
      whole,
      flipped(whole, at: log.payloadPlace(of: 2)), flipped(whole, at: log.payloadPlace(of: 1)),
      [whole[0], (UInt64(9), Array(whole[1].bytes.prefix(last + 20)))],
      [whole[0], (UInt64(9), Array(whole[1].bytes.prefix(last + 36)))],
      [whole[0], (UInt64(9), [])],
    ].map { logs in logs.map { ($0.number, $0.bytes + [UInt8](repeating: 0, count: 5000)) } }
  }

  private static func flipped(
    _ logs: [(number: UInt64, bytes: [UInt8])], at place: Int
  ) -> [(number: UInt64, bytes: [UInt8])] {
    var logs = logs
    logs[1].bytes[place] ^= 0x10
    return logs
  }

  /// The bytes of a log that are not zeros at its end.
  private static func nonZero(_ bytes: [UInt8]) -> Int {
    (bytes.lastIndex { $0 != 0 } ?? -1) + 1
  }

  @Test func zerosThatAreKnownOfChangeNoVerdict() throws {
    for logs in Self.logsWithTails() {
      let expected = try Verdict(logs, .forLogs())
      for more in [0, 1, 16, 100, 5000] {
        let found = try Verdict(logs, .forLogs()) { Self.nonZero($0) + more }
        #expect(found == expected)
      }
    }
  }

  /// Whoever knows that they are zeros need not look: what is there is not seen.
  @Test func zerosThatAreKnownOfAreNotRead() throws {
    for var logs in Self.logsWithTails() {
      let expected = try Verdict(logs, .forLogs())
      let known = logs.map { Self.nonZero($0.bytes) }
      for log in logs.indices { logs[log].bytes[known[log] + 4000] = 1 }
      // By the number of their bytes: no two have as many.
      let counts = Dictionary(
        uniqueKeysWithValues: zip(logs.map(\.bytes.count), known))
      #expect(try Verdict(logs, .forLogs()) { counts[$0.count] } == expected)
    }
  }

  @Test func logsBelowTheFloorAreNotReplayed() throws {
    let logs = Self.twoLogs()
    let verdict = try Verdict(Self.files(logs), .forLogs(floor: 8, lastSequence: 6))
    #expect(verdict.batches == logs[1].payloads)
    #expect(verdict.orphans == [7])
  }

  @Test func aDamagedRecordWithoutLaterEvidenceIsATornTail() throws {
    var logs = Self.twoLogs()
    let bad = logs[1].offsets[1]
    logs[1].bytes[bad + 40] ^= 0x10
    let verdict = try Verdict(Self.files(logs), .forLogs())
    #expect(verdict.batches == logs[0].payloads + logs[1].payloads.prefix(1))
    let tail = try #require(verdict.tornTail)
    #expect(tail.position == LogPosition(log: 9, offset: UInt64(bad)))
    #expect(tail.droppedRecords == 1)
    #expect(tail.droppedBytes > logs[1].offsets[2] - bad)
    #expect(verdict.lastSequence == 7)
  }

  @Test func aDamagedRecordBelowALaterRecordsWatermarkIsCorruption() throws {
    var logs = Self.twoLogs()
    let bad = logs[1].offsets[0]
    logs[1].bytes[logs[1].payloadPlace(of: 0)] ^= 0x10
    #expect(throws: LogDamage.self) { try Verdict(Self.files(logs), .forLogs()) }
    do {
      _ = try Verdict(Self.files(logs), .forLogs())
    } catch {
      #expect(error.log == 9)
      #expect(error.error.offset == UInt64(bad + 24))
    }
  }

  @Test func evidenceThatIsItselfDamagedProvesNothing() throws {
    var logs = Self.twoLogs()
    logs[1].bytes[logs[1].payloadPlace(of: 0)] ^= 0x10
    for later in logs[1].offsets[1...] { logs[1].bytes[later + 20] ^= 1 }
    let verdict = try Verdict(Self.files(logs), .forLogs())
    #expect(verdict.batches == logs[0].payloads)
    #expect(verdict.tornTail?.position == LogPosition(log: 9, offset: 64))
  }

  @Test func aHeaderWhosePayloadIsTornIsEvidenceAllTheSame() {
    var logs = Self.twoLogs()
    logs[1].bytes[logs[1].payloadPlace(of: 0)] ^= 0x10
    for later in 1..<3 { logs[1].bytes[logs[1].payloadPlace(of: later)] ^= 1 }
    #expect(throws: LogDamage.self) { try Verdict(Self.files(logs), .forLogs()) }
  }

  @Test func aDamagedLogIsCorruptionWhenALaterLogHasRecords() {
    for index in 0..<3 {
      var logs = Self.twoLogs()
      logs[0].bytes[logs[0].offsets[index] + 36] ^= 2
      #expect(throws: LogDamage.self) { try Verdict(Self.files(logs), .forLogs()) }
    }
  }

  @Test func fourZerosInTheMiddleOfASyncedLogAreCorruption() {
    var log = LogBuilder()
    for _ in 0..<32 {
      log.batch()
      log.sync()
    }
    log.watermarkRecord()
    log.bytes.replaceSubrange(100..<104, with: [0, 0, 0, 0])
    #expect(throws: LogDamage.self) { try Verdict([(7, log.bytes)], .forLogs()) }
  }

  @Test func aLogCutAtARecordIsNoticedByWhatFollows() throws {
    var logs = Self.twoLogs()
    logs[0].bytes.removeLast(logs[0].bytes.count - logs[0].offsets[2])
    #expect(
      throws: LogDamage(log: 7, .missing, at: UInt64(logs[0].offsets[2]))
    ) { try Verdict(Self.files(logs), .forLogs()) }
  }

  @Test func anUnsyncedLogThatLostItsEndDropsTheLogsBehindIt() throws {
    var logs = Self.twoLogs()
    let proved = LogPosition(log: 7, offset: UInt64(logs[0].offsets[1]))
    logs[1] = LogBuilder(number: 9, salt: 12, firstSequence: 7, watermark: proved)
    logs[1].batch(2)
    logs[0].bytes.replaceSubrange(
      logs[0].offsets[2]..., with: [UInt8](repeating: 0, count: 4096))
    let verdict = try Verdict(Self.files(logs), .forLogs())
    #expect(verdict.batches == Array(logs[0].payloads.prefix(2)))
    let tail = try #require(verdict.tornTail)
    #expect(tail.position == LogPosition(log: 7, offset: UInt64(logs[0].offsets[2])))
    #expect(tail.flaw == nil)
    #expect(tail.droppedLogs == [9])
    #expect(tail.droppedRecords == 1)
    #expect(verdict.lastSequence == 3)
  }

  @Test func aLogCutBelowAWatermarkIsCorruptionEvenIfNoEntryIsMissing() {
    var first = LogBuilder(number: 7, salt: 11)
    first.batch()
    let cut = first.bytes
    first.watermarkRecord()
    var second = LogBuilder(
      number: 9, salt: 12, firstSequence: first.nextSequence, watermark: first.end)
    second.batch()
    #expect(throws: LogDamage(log: 7, .missing, at: UInt64(cut.count))) {
      try Verdict([(7, cut), (9, second.bytes)], .forLogs())
    }
  }

  @Test func theTornTailBeginsAtTheFirstTornRecordOfSeveralLogs() throws {
    var first = LogBuilder(number: 7, salt: 11)
    first.batch()
    first.batch()
    first.bytes[first.offsets[1] + 33] ^= 1
    let empty = LogBuilder(number: 8, salt: 12)
    var torn = LogBuilder(number: 9, salt: 13, firstSequence: 3)
    torn.batch()
    torn.bytes[torn.offsets[0] + 33] ^= 1
    var ahead = LogBuilder(number: 10, salt: 14, firstSequence: 4)
    ahead.batch()
    for later in [[empty], [torn], [empty, torn], [ahead], [empty, ahead], [empty, torn, ahead]] {
      let verdict = try Verdict(Self.files([first] + later), .forLogs())
      #expect(verdict.batches == Array(first.payloads.prefix(1)))
      let tail = try #require(verdict.tornTail)
      #expect(tail.position == LogPosition(log: 7, offset: UInt64(first.offsets[1])))
      #expect(tail.droppedLogs == later.map(\.number))
    }
  }

  @Test func aMissingLogIsCorruptionWhenItHeldWhatWasDurable() {
    let logs = Self.twoLogs()
    // By the watermark of the log behind it.
    #expect(throws: LogDamage(log: 7, .missing, at: 0)) {
      var second = LogBuilder(number: 9, salt: 12, firstSequence: 7, watermark: logs[0].end)
      second.batch()
      try _ = Verdict([(9, second.bytes)], .forLogs())
    }
    // By the gap in the sequence numbers.
    #expect(throws: LogDamage(log: 9, .missing, at: 64)) {
      try Verdict([(9, logs[1].bytes)], .forLogs())
    }
    // By the manifest.
    var manifest = Manifest.forLogs()
    manifest.logs = [logs[0].extent]
    #expect(throws: LogDamage(log: 7, .missing, at: 0)) { try Verdict([], manifest) }
  }

  @Test func aMissingLogWithoutEvidenceDropsTheLogsBehindIt() throws {
    var second = LogBuilder(number: 9, firstSequence: 7)
    second.batch()
    let verdict = try Verdict([(9, second.bytes)], .forLogs())
    #expect(verdict.batches.isEmpty)
    #expect(verdict.tornTail?.droppedLogs == [9])
  }

  @Test func aLogThatStepsBackIsCorruption() {
    let logs = Self.twoLogs()
    var second = LogBuilder(number: 9, firstSequence: 6)
    second.batch()
    #expect(throws: LogDamage(log: 9, .order, at: 80)) {
      try Verdict([(7, logs[0].bytes), (9, second.bytes)], .forLogs())
    }
  }

  @Test func recordsThatAreInSegmentsAlreadyMayComeFirst() throws {
    let logs = Self.twoLogs()
    let verdict = try Verdict(Self.files(logs), .forLogs(lastSequence: 4))
    #expect(verdict.batches == Self.payloads(logs))
    #expect(try Verdict(Self.files(logs), .forLogs(lastSequence: 40)).lastSequence == 40)
  }

  @Test func emptyAndAbandonedLogsBetweenOthersChangeNothing() throws {
    let logs = Self.twoLogs()
    let spare = LogBuilder(number: 8, salt: 5).bytes
    let damagedSpare = spare.flippingBit(77)
    for between in [spare, damagedSpare, [], [UInt8](repeating: 0, count: 4096), [1, 2, 3]] {
      for number in [UInt64(3), 8, 20] {
        let verdict = try Verdict(Self.files(logs) + [(number, between)], .forLogs())
        #expect(verdict.batches == Self.payloads(logs))
        #expect(verdict.tornTail == nil)
      }
    }
  }

  @Test func aDamagedFileHeaderBeforeRecordsIsCorruption() {
    let logs = Self.twoLogs()
    for bit in 0..<64 * 8 {
      for (index, log) in logs.enumerated() {
        var files = Self.files(logs)
        files[index].bytes = log.bytes.flippingBit(bit)
        do {
          _ = try Verdict(files, .forLogs())
          Issue.record("bit \(bit) of log \(log.number) was overlooked")
        } catch {
          if error.log != log.number || error.error.structure != .fileHeader {
            Issue.record("bit \(bit): \(error)")
          }
        }
      }
    }
  }

  @Test func aLostLogBelowAWatermarkIsCorruptionEvenIfNoEntryIsMissing() {
    var first = LogBuilder(number: 7, salt: 11)
    first.watermarkRecord()
    var second = LogBuilder(number: 9, salt: 12, watermark: first.end)
    second.batch()
    for (lost, error) in [
      ([], FormatError(.fileHeader, .truncated, at: 0)),
      ([UInt8](repeating: 0, count: 512), FormatError(.fileHeader, .magic, at: 0)),
      (Array(first.bytes.prefix(64)), FormatError(.logRecord, .missing, at: 64)),
    ] {
      #expect(throws: LogDamage(log: 7, error)) {
        try Verdict([(7, lost), (9, second.bytes)], .forLogs())
      }
    }
  }

  @Test func aLogOfAnotherStoreOrNumberIsRefused() {
    let logs = Self.twoLogs()
    let number = FormatError(.fileHeader, .value("file number"), at: 24)
    #expect(throws: LogDamage(log: 8, number)) { try Verdict([(8, logs[0].bytes)], .forLogs()) }
    var manifest = Manifest.forLogs()
    manifest.storeID.low += 1
    let tag = FormatError(.fileHeader, .value("store tag"), at: 48)
    #expect(throws: LogDamage(log: 7, tag)) { try Verdict(Self.files(logs), manifest) }
  }

  @Test func anUnknownRecordTypeIsRefusedAsIncompatible() {
    var log = LogBuilder()
    log.batch()
    log.rawRecord(type: 3)
    #expect(throws: LogDamage(log: 7, .features(3), at: UInt64(log.offsets[1] + 12))) {
      try Verdict([(7, log.bytes)], .forLogs())
    }
  }

  @Test func oneBadLogAtATimeGivesAPrefixOrADamage() throws {
    let logs = Self.twoLogs()
    let all = Self.payloads(logs)
    // The last offset below each log's highest watermark that any intact header can state.
    for (index, log) in logs.enumerated() {
      for bit in 64 * 8..<log.bytes.count * 8 {
        var files = Self.files(logs)
        files[index].bytes = log.bytes.flippingBit(bit)
        let position = LogPosition(
          log: log.number, offset: UInt64(log.offsets.last { $0 <= bit / 8 }!))
        do {
          let verdict = try Verdict(files, .forLogs())
          if position < logs[1].watermark { Issue.record("bit \(bit) below the watermark passed") }
          let isPrefix = verdict.batches == Array(all.prefix(verdict.batches.count))
          if !isPrefix || verdict.tornTail?.position != position {
            Issue.record("bit \(bit): \(verdict)")
          }
        } catch {
          if position >= logs[1].watermark { Issue.record("bit \(bit) above: \(error)") }
        }
      }
    }
  }
}
