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

  /// Hands a plain record, then one of `content`, then a plain one to a log.
  private static func gather(_ content: Content, entriesOfRoom: Int) throws -> GatheredLog {
    let log = GatheredLog(
      within: GatheringRoom(bytes: entriesOfRoom * ReplayedRun.bytesAnEntry))
    for (index, content) in [.plain, content, .plain].enumerated() {
      try payload(content).withByteView { payload in
        log.take(
          LogRecord(
            type: .batch, firstSequence: SequenceNumber(UInt64(1 + 2 * index)), entryCount: 2,
            payload: payload, offset: 64, end: 128, watermark: .none))
      }
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

  /// What has to be looked at in the order of all logs, or does not fit, is left to the second reading.
  @Test func anythingElseGivesTheLogUp() throws {
    for content in Content.allCases where content != .plain {
      let log = try Self.gather(content, entriesOfRoom: 6)
      #expect(!log.isComplete && log.run.count == 0, "\(content)")
    }
    let log = try Self.gather(.plain, entriesOfRoom: 5)
    #expect(!log.isComplete && log.run.count == 0)
  }
}
