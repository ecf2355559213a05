import Testing
import VarveFormat
import VarveTestSupport

// What other engines' tests demand of a log reader and does not apply here: a log has no blocks, so
// nothing about their ends, trailers and padding does; records are never split into fragments, so
// nothing about joining, skipping or losing fragments does; nobody starts to read at an offset but
// the first; a log is never appended to after a reopen and never tailed; a log number has 64 bits
// and does not wrap; there are no records that must be unique or first. There is one mode of
// recovery: whether a torn end is tolerated is decided by what was proved durable (LogReplayTests).
// A reader takes bytes and so meets no read error; that of a log's file is met by the store
// (aReadThatFailsIsReportedAndNotRemembered in VarveTests/Behaviour).

@Suite("Log reader")
struct LogReaderTests {
  @Test func anEmptyLogEndsAtOnceAndStaysEnded() {
    let log = LogBuilder()
    log.bytes.withByteView { bytes in
      var reader = LogReader(bytes, identity: log.identity)
      #expect(reader.next() == nil)
      #expect(reader.next() == nil)
      #expect(reader.end == .clean)
      #expect(reader.offset == 64)
    }
  }

  @Test func recordsReadBackAsTheyWereWritten() {
    var log = LogBuilder()
    log.batch(2)
    log.sync()
    log.watermarkRecord()
    log.batch(1, valueBytes: 0)
    log.entry()
    log.entry(.delete)
    let walk = LogWalkResult(log.bytes, log.identity)
    #expect(walk.batches == log.payloads)
    #expect(walk.records.map(\.firstSequence) == [1, 3, 3, 4, 5])
    #expect(walk.records.map(\.entryCount) == [2, 0, 1, 1, 1])
    #expect(walk.records.map(\.keyCount) == [0, 0, 0, 5, 5])
    #expect(walk.records.map(\.offset) == log.offsets.map(UInt64.init))
    #expect(walk.records.map(\.type) == [.batch, .watermark, .batch, .put, .delete])
    let stated = LogPosition(log: 7, offset: UInt64(log.offsets[1]))
    #expect(walk.records.map(\.watermark) == [.none, stated, stated, stated, stated])
    #expect(walk.end == .clean)
  }

  @Test func everySizeOfPayloadIsPaddedAndFound() {
    var log = LogBuilder()
    for size in 0..<70 { log.batch(1, valueBytes: size) }
    for size in 0..<70 { log.entry(valueBytes: size) }
    log.batch(1, valueBytes: 50_000)
    log.batch(3, valueBytes: 0)
    let walk = LogWalkResult(log.bytes, log.identity)
    #expect(walk.batches == log.payloads)
    #expect(walk.records.allSatisfy { $0.offset % 16 == 0 })
    #expect(walk.end == .clean)
  }

  @Test func aThousandRecordsOfRandomSizesReadBack() {
    let seed: UInt64 = 0x5eed
    var random = SeededRandom(seed: seed)
    var log = LogBuilder()
    for _ in 0..<1000 {
      let size = 1 << Int(random.next() % 12)
      switch Int.random(in: 0...3, using: &random) {
      case 0: log.entry(valueBytes: size)
      case let entries: log.batch(entries, valueBytes: size)
      }
    }
    let walk = LogWalkResult(log.bytes, log.identity)
    #expect(walk.batches == log.payloads, "SeededRandom(seed: \(seed))")
    #expect(walk.end == .clean)
  }

  @Test func zerosBehindTheLastRecordAreACleanEnd() {
    var log = LogBuilder()
    log.batch()
    for zeros in [1, 15, 16, 31, 32, 33, 4096] {
      let walk = LogWalkResult(log.bytes + [UInt8](repeating: 0, count: zeros), log.identity)
      #expect(walk.batches == log.payloads)
      #expect(walk.end == .clean)
      #expect(walk.offset == log.bytes.count)
    }
  }

  @Test func anythingElseBehindTheLastRecordIsNotAnEnd() {
    var log = LogBuilder()
    log.batch()
    for place in [0, 5, 31, 32, 100] {
      var bytes = log.bytes + [UInt8](repeating: 0, count: 128)
      bytes[log.bytes.count + place] = 1
      let walk = LogWalkResult(bytes, log.identity)
      #expect(walk.batches == log.payloads)
      guard case .invalid(.torn(let error)) = walk.end else {
        Issue.record("byte \(place) was overlooked")
        continue
      }
      #expect(error.offset == UInt64(log.bytes.count))
    }
  }

  @Test func everyTruncationLeavesTheWholeRecordsBeforeIt() {
    var log = LogBuilder()
    for entries in 1...3 { log.batch(entries) }
    for kind in [EntryKind.put, .delete, .pointer] { log.entry(kind) }
    let boundaries = log.offsets + [log.bytes.count]
    for length in 64..<log.bytes.count {
      let walk = LogWalkResult(Array(log.bytes.prefix(length)), log.identity)
      let whole = boundaries.filter { $0 <= length }.count - 1
      #expect(walk.batches == Array(log.payloads.prefix(whole)))
      if boundaries.contains(length) {
        #expect(walk.end == .clean)
      } else if case .invalid(.torn) = walk.end {
      } else {
        Issue.record("cut at \(length): \(String(describing: walk.end))")
      }
    }
  }

  @Test func everyFlippedBitStopsTheReaderAtItsRecord() {
    var log = LogBuilder()
    for entries in 1...3 { log.batch(entries) }
    for kind in [EntryKind.put, .delete, .pointer] { log.entry(kind) }
    for bit in 64 * 8..<log.bytes.count * 8 {
      let walk = LogWalkResult(log.bytes.flippingBit(bit), log.identity)
      let whole = log.offsets.lastIndex { $0 <= bit / 8 }!
      if walk.batches != Array(log.payloads.prefix(whole)) || walk.offset != log.offsets[whole] {
        Issue.record("bit \(bit) was overlooked")
      }
      if case .invalid(.torn) = walk.end { continue }
      Issue.record("bit \(bit): \(String(describing: walk.end))")
    }
  }

  @Test func aRecordOfAnotherLogOrAnotherLifeOfTheFileIsNotRead() {
    var log = LogBuilder()
    log.batch()
    log.watermarkRecord()
    for other in [
      LogIdentity(number: 8, salt: log.identity.salt),
      LogIdentity(number: 7, salt: log.identity.salt + 1),
    ] {
      let walk = LogWalkResult(log.bytes, other)
      #expect(walk.records.isEmpty)
      #expect(walk.offset == 64)
    }
  }

  @Test func aRecordCopiedToAnotherOffsetIsNotRead() {
    for payload in [true, false] {
      var log = LogBuilder()
      if payload { log.batch() } else { log.watermarkRecord() }
      let copy = log.bytes[64...]
      let walk = LogWalkResult(log.bytes + copy, log.identity)
      #expect(walk.records.count == 1)
      #expect(walk.offset == log.bytes.count)
    }
  }

  /// The CRC of bytes followed by their own CRC is a constant. Would an empty payload's checksum be
  /// that of the context, the header checksum behind the same context would not depend on it.
  @Test func theHeaderOfAnEmptyRecordAloneTellsWhereItBelongs() throws {
    var log = LogBuilder()
    log.watermarkRecord()
    let moved = log.bytes + log.bytes[64...]
    _ = moved.withByteView { bytes in
      #expect(throws: LogFlaw.self) {
        try LogRecordHeader(in: bytes, at: log.bytes.count, identity: log.identity)
      }
    }
  }

  @Test func contentOfARecycledFileIsNeverJoinedIn() {
    var old = LogBuilder(number: 3, salt: 1)
    for _ in 0..<20 { old.batch(2, valueBytes: 40) }
    var new = LogBuilder(number: 9, salt: 2, firstSequence: 41)
    while new.bytes.count < old.bytes.count - 200 {
      let recycled = new.bytes + old.bytes[new.bytes.count...]
      let walk = LogWalkResult(recycled, new.identity)
      #expect(walk.batches == new.payloads)
      #expect(walk.offset == new.bytes.count)
      // The same with the last record written in part.
      if let last = new.offsets.last {
        for cut in stride(from: last, to: new.bytes.count, by: 16) {
          let torn = Array(new.bytes.prefix(cut)) + old.bytes[cut...]
          #expect(LogWalkResult(torn, new.identity).batches == new.payloads.dropLast())
        }
      }
      new.batch(2, valueBytes: 40)
    }
  }

  @Test func anUnknownTypeIsSkippedOrRefusedAsItsHighBitSays() {
    for type in [UInt8(0x80), 0xff] {
      var log = LogBuilder()
      log.batch()
      log.rawRecord(type: type, payload: [1, 2, 3])
      log.batch()
      let walk = LogWalkResult(log.bytes, log.identity)
      #expect(walk.batches == log.payloads)
      #expect(walk.records.map(\.type) == [.batch, nil, .batch])
      #expect(walk.end == .clean)
    }
    for type in [UInt8(3), 0x7f] {
      var log = LogBuilder()
      log.batch()
      log.rawRecord(type: type, payload: [1, 2, 3])
      let walk = LogWalkResult(log.bytes, log.identity)
      let place = UInt64(log.offsets[1] + 12)
      #expect(
        walk.end == .invalid(.broken(FormatError(.logRecord, .features(UInt32(type)), at: place))))
    }
  }

  @Test func theDamagedPayloadOfASkippedRecordIsNoticed() {
    var log = LogBuilder()
    log.rawRecord(type: 0x80, payload: [1, 2, 3])
    log.bytes[64 + 32] ^= 1
    guard case .invalid(.torn) = LogWalkResult(log.bytes, log.identity).end else {
      Issue.record("not noticed")
      return
    }
  }

  @Test func rulesBrokenBehindRightChecksumsAreNotTakenForTearing() {
    let one: [UInt8] = [1, 0, 0, 0]
    let cases: [(String, UInt64, (inout LogBuilder) -> Void)] = [
      ("type 0", 12, { $0.rawRecord(type: 0, payload: one) }),
      ("reserved byte", 13, { $0.rawRecord(type: 1, payload: one, reserved: 1) }),
      ("huge length", 8, { $0.rawRecord(type: 1, length: .max) }),
      ("sequence zero", 16, { $0.rawRecord(type: 2, sequence: 0) }),
      ("sequence too large", 16, { $0.rawRecord(type: 2, sequence: 1 << 56) }),
      (
        "sequence overflow", 16,
        { $0.rawRecord(type: 1, payload: [2, 0, 0, 0], sequence: (1 << 56) - 2) }
      ),
      ("sequence not the next", 16, { $0.rawRecord(type: 2, sequence: 9) }),
      ("no entries", 32, { $0.rawRecord(type: 1, payload: [0, 0, 0, 0]) }),
      ("no entry count", 32, { $0.rawRecord(type: 1, payload: [1, 0, 0]) }),
      ("no payload", 32, { $0.rawRecord(type: 1) }),
      ("watermark with payload", 32, { $0.rawRecord(type: 2, payload: one) }),
      ("checksum of nothing", 4, { $0.rawRecord(type: 2, payloadChecksum: 1) }),
      ("watermark in the header", 24, { $0.rawRecord(type: 2, watermarkOffset: 48) }),
      ("watermark unaligned", 24, { $0.rawRecord(type: 2, watermarkOffset: 72) }),
      ("watermark beyond", 24, { $0.rawRecord(type: 2, watermarkOffset: 4096) }),
      ("lag without offset", 24, { $0.rawRecord(type: 2, lag: 1) }),
      ("lag beyond log 1", 24, { $0.rawRecord(type: 2, lag: 7, watermarkOffset: 64) }),
      ("unknown type of entry", 12, { $0.rawEntry(type: 0x13) }),
      ("entry shorter than its key", 8, { $0.rawEntry(keyLength: 3) }),
      ("entry without a keyspace", 8, { $0.rawEntry(payload: [0, 0, 0], keyLength: 0) }),
      ("delete with a value", 8, { $0.rawEntry(type: 0x12) }),
      ("pointer of two bytes", 8, { $0.rawEntry(type: 0x14) }),
      ("entry's sequence zero", 13, { $0.rawEntry(sequence: 0) }),
      ("entry's sequence the last", 13, { $0.rawEntry(sequence: (1 << 56) - 1) }),
      ("entry's sequence not the next", 13, { $0.rawEntry(sequence: 9) }),
      ("entry's watermark in the header", 20, { $0.rawEntry(watermark: 3) }),
      ("entry's watermark beyond", 20, { $0.rawEntry(watermark: 1 << 8) }),
      ("entry's lag without offset", 20, { $0.rawEntry(lag: 1) }),
      ("entry's lag beyond log 1", 20, { $0.rawEntry(lag: 7, watermark: 4) }),
    ]
    for (name, place, append) in cases {
      var log = LogBuilder()
      log.batch()
      append(&log)
      let walk = LogWalkResult(log.bytes, log.identity)
      #expect(walk.batches == Array(log.payloads.prefix(1)), "\(name)")
      guard case .invalid(.broken(let error)) = walk.end else {
        Issue.record("\(name): \(String(describing: walk.end))")
        continue
      }
      #expect(error.offset == UInt64(log.offsets[1]) + place, "\(name)")
    }
  }

  @Test func theLastSequenceNumberCanBeUsed() {
    var log = LogBuilder(firstSequence: (1 << 56) - 2)
    log.batch()
    #expect(LogWalkResult(log.bytes, log.identity).end == .clean)
  }

  @Test func aWatermarkTooFarBackIsLeftOut() {
    for (lag, kept) in [(UInt64(65_535), true), (65_536, false)] {
      let far = LogPosition(log: 100_000 - lag, offset: 640)
      var log = LogBuilder(number: 100_000, watermark: far)
      log.watermarkRecord()
      let walk = LogWalkResult(log.bytes, log.identity)
      #expect(walk.records.map(\.watermark) == [kept ? far : .none])
      #expect(walk.end == .clean)
    }
  }

  /// Told by the spec's layout alone, byte by byte.
  @Test func anEntryRecordHasTheBytesOfTheSpecification() {
    var written = LogBuilder(number: 9, firstSequence: 0x1234_5678_9abc_de)
    written.watermark = LogPosition(log: 4, offset: 0x7_0000)
    var raw = written
    written.entry()
    let key = Array("key-\(raw.nextSequence)".utf8)
    raw.rawEntry(
      payload: [0, 0, 0, 1] + key + [UInt8](repeating: 0xde, count: 5), lag: 5,
      keyLength: UInt8(key.count), watermark: 0x7000)
    #expect(written.bytes == raw.bytes)
  }

  /// The reader of a log does not look at it; whoever wants the entry does.
  @Test func aPointerThatIsNoneIsRefusedWithItsPlace() throws {
    var log = LogBuilder()
    log.rawEntry(type: 0x14, payload: [0, 0, 0, 1, 7] + [UInt8](repeating: 0xff, count: 32))
    try log.bytes.withByteView { bytes in
      var reader = LogReader(bytes, identity: log.identity)
      let next = reader.next()
      let record = try #require(next)
      let error = #expect(throws: FormatError.self) { try BatchDecoder(of: record) }
      #expect(error?.structure == .valuePointer)
      #expect(error.map { (64 + 24 + 5..<64 + 24 + 37).contains($0.offset) } == true)
    }
  }

  @Test func aLengthBeyondTheFileIsTornWithoutBeingAllocated() {
    var log = LogBuilder()
    log.rawRecord(type: 1, payload: [1, 0, 0, 0], length: UInt32(Limits.batchBytes))
    guard case .invalid(.torn(let error)) = LogWalkResult(log.bytes, log.identity).end else {
      Issue.record("not torn")
      return
    }
    #expect(error.fault == .truncated)
  }
}
