import Testing

@testable import Varve
@testable import VarveFormat

/// Entries that are gathered while a log is surveyed.
@Suite struct GatheredLogTests {
  private enum Content: CaseIterable { case plain, pointer, keyspace, malformed }

  private static let key: [UInt8] = [5]

  private static func payload(_ content: Content) throws -> [UInt8] {
    var encoder = BatchEncoder()
    try key.withByteView { key in
      try encoder.put(key, in: 1, key, expiry: 0)
      switch content {
      case .plain, .malformed: try encoder.delete(key, in: 1)
      case .keyspace: try encoder.put(key, in: SystemKeyspace.number, key, expiry: 0)
      case .pointer:
        let pointer = ValuePointer(
          file: 9, offset: 96, storedCount: 5, fullCount: 5, checksum: 1, codec: .none)
        try encoder.put(key, in: 1, at: pointer, expiry: 0)
      }
    }
    let bytes = encoder.withPayload { $0.array }
    return content == .malformed ? bytes.dropLast() : bytes
  }

  /// Hands a batch of two entries to whoever gathers.
  static func visit(
    _ take: LogSurveying.Visit, sequence: Int, isMalformed: Bool = false
  ) throws {
    try hand(payload(isMalformed ? .malformed : .plain), sequence: sequence, to: take)
  }

  private static func hand(_ payload: [UInt8], sequence: Int, to take: LogSurveying.Visit) {
    payload.withByteView { payload in
      take(
        LogRecord(
          type: .batch, firstSequence: SequenceNumber(UInt64(sequence)), entryCount: 2,
          payload: payload, offset: 64, end: 128, watermark: .none))
    }
  }

  /// Hands a plain record, then one of `content`, then a plain one to a log.
  private static func gather(_ content: Content, entriesOfRoom: Int) throws -> GatheredLog {
    let log = GatheredLog(
      7, bytes: 1000, within: GatheringRoom(bytes: entriesOfRoom * ReplayedRun.bytesAnEntry))
    for (index, content) in [.plain, content, .plain].enumerated() {
      hand(try payload(content), sequence: 1 + 2 * index) { log.take($0) }
    }
    return log
  }

  @Test func plainEntriesAreAllTaken() throws {
    let log = try Self.gather(.plain, entriesOfRoom: 6)
    #expect(log.isComplete)
    #expect(log.entryCount == 6)
    #expect(log.lastSequence == SequenceNumber(6))
    #expect(log.run.places.map(\.sequence.rawValue) == [1, 2, 3, 4, 5, 6])
  }

  /// The catalog is made of them before anything is written.
  @Test func batchesWithEntriesOfKeyspacesAreKeptAsWell() throws {
    let log = try Self.gather(.keyspace, entriesOfRoom: 6)
    #expect(log.isComplete)
    #expect(log.entryCount == 6)
    #expect(log.systemRecords.map(\.firstSequence.rawValue) == [3])
    #expect(try Self.gather(.plain, entriesOfRoom: 6).systemRecords.isEmpty)
  }

  /// Somebody made a log of nothing else: memory stays bounded.
  @Test func aLogOfKeyspacesIsGivenUp() throws {
    let log = GatheredLog(7, bytes: 1000, within: GatheringRoom(bytes: 1 << 30))
    let payload = try Self.payload(.keyspace)
    for index in 0...GatheredLog.mostSystemRecords {
      #expect(log.isComplete)
      Self.hand(payload, sequence: 1 + 2 * index) { log.take($0) }
    }
    #expect(!log.isComplete && log.systemRecords.isEmpty)
  }

  /// What has to be looked at in the order of all logs, or does not fit, is left to the second reading.
  @Test func anythingElseGivesTheLogUp() throws {
    for content in [Content.pointer, .malformed] {
      let log = try Self.gather(content, entriesOfRoom: 6)
      #expect(!log.isComplete && log.run.count == 0, "\(content)")
    }
    for content in [Content.plain, .keyspace] {
      let log = try Self.gather(content, entriesOfRoom: 5)
      #expect(!log.isComplete && log.run.count == 0 && log.systemRecords.isEmpty)
    }
  }
}
