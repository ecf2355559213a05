import Testing
import VarveTestSupport

@testable import VarveFormat

/// A record of one entry is put together in one pass: an entry record where it fits into one, else the
/// bytes that batch encoder and framer, the reference, make in two.
@Suite struct SingleRecordEncoderTests {
  private let identity = LogIdentity(number: 9, salt: 0x1234_5678_9abc_def0)

  /// The same record in two passes, from its offset on.
  private func reference(
    _ kind: EntryKind, _ key: [UInt8], _ value: [UInt8], _ expiry: ExpiryTime, at offset: UInt64
  ) throws -> [UInt8] {
    var batch = BatchEncoder()
    try key.withByteView { key in
      try value.withByteView { value in
        if kind == .delete {
          try batch.delete(key, in: 0x0102_0304)
        } else {
          try batch.put(key, in: 0x0102_0304, value, expiry: expiry)
        }
      }
    }
    var writer = ByteWriter()
    batch.withPayload { payload in
      LogFramer.frame(
        .batch, payload, firstSequence: SequenceNumber(77),
        watermark: LogPosition(log: 8, offset: 4096), identity: identity, offset: offset,
        into: &writer)
    }
    return writer.bytes
  }

  @Test func everyRecordHoldsWhatItWasGiven() throws {
    let single = SingleRecordEncoder()
    var random = SeededRandom(seed: 11)
    for round in 0..<400 {
      let kind: EntryKind = round % 5 == 0 ? .delete : .put
      let key = random.bytes(Int(random.next() % (round % 7 == 0 ? 300 : 24)))
      let value = kind == .delete ? [] : random.bytes(Int(random.next() % 400))
      let expiry = kind == .delete || round % 3 == 0 ? 0 : random.next() >> (random.next() % 64)
      let offset = 64 + 16 * UInt64(random.next() % 1000)
      let entry = key.withByteView { key in
        value.withByteView { value in
          single.frame(
            kind, key, in: 0x0102_0304, value, expiry: expiry, firstSequence: SequenceNumber(77),
            watermark: LogPosition(log: 8, offset: 4096), identity: identity, offset: offset)
        }
      }
      let expected = try reference(kind, key, value, expiry, at: offset)
      if expiry != 0 || key.count > 255 {
        let isEqual = single.record.array == expected
        #expect(isEqual, "round \(round)")
      } else {
        #expect(single.record.count <= expected.count)
        try expect([kind: (key, value)], in: single.record, at: offset, watermark: 4096)
      }
      #expect(entry.keyspace == 0x0102_0304)
      #expect(entry.userKey.array == key)
      #expect(entry.value.array == value)
      #expect(entry.kind == kind && entry.expiry == expiry)
    }
  }

  @Test func aRecordThatHoldsAPointerIsTheSameToo() throws {
    let pointer = ValuePointer(
      file: 12, offset: 4096, storedCount: 3000, fullCount: 4000, checksum: 5, codec: .zstd)
    var batch = BatchEncoder()
    var bytes = ByteWriter()
    pointer.encode(to: &bytes)
    try [1, 2, 3].withByteView { try batch.put($0, in: 6, at: pointer, expiry: 99) }
    var writer = ByteWriter()
    batch.withPayload { payload in
      LogFramer.frame(
        .batch, payload, firstSequence: SequenceNumber(1), watermark: .none, identity: identity,
        offset: 64, into: &writer)
    }
    let single = SingleRecordEncoder()
    let key: [UInt8] = [1, 2, 3]
    let entry = key.withByteView { key in
      bytes.bytes.withByteView { bytes in
        single.frame(
          .pointer, key, in: 6, bytes, expiry: 99, firstSequence: SequenceNumber(1),
          watermark: .none, identity: identity, offset: 64)
      }
    }
    #expect(single.record.array == writer.bytes)
    #expect(try ValuePointer(decoding: entry.value) == pointer)
  }

  /// What does not fit into an entry record is written as a batch, with the same meaning.
  @Test(arguments: [
    (255, 65_535 - 259, LogPosition(log: 745, offset: (16 << 32) - 16), true),
    (256, 0, .none, false), (255, 65_535 - 258, .none, false),
    (1, 1, LogPosition(log: 744, offset: 64), false),
    (1, 1, LogPosition(log: 1000, offset: 16 << 32), false),
  ])
  func theLimitsOfAnEntryRecordAreKept(
    _ keyCount: Int, _ valueCount: Int, _ watermark: LogPosition, _ fits: Bool
  ) throws {
    let identity = LogIdentity(number: 1000, salt: 5)
    let single = SingleRecordEncoder()
    let offset: UInt64 = 16 << 33
    let (key, value) = (
      [UInt8](repeating: 1, count: keyCount), [UInt8](repeating: 2, count: valueCount)
    )
    key.withByteView { key in
      value.withByteView { value in
        _ = single.frame(
          .put, key, in: 1, value, expiry: 0, firstSequence: SequenceNumber(3),
          watermark: watermark, identity: identity, offset: offset)
      }
    }
    #expect(single.record.byte(at: 12) == (fits ? 0x11 : 1))
  }

  /// The single entry of a record at `offset` of a log that holds nothing before it.
  private func expect(
    _ entries: [EntryKind: (key: [UInt8], value: [UInt8])], in record: ByteView, at offset: UInt64,
    watermark: UInt64
  ) throws {
    let log = [UInt8](repeating: 0, count: Int(offset)) + record.array
    try log.withByteView { log in
      var reader = LogReader(log, identity: identity, at: Int(offset))
      let next = reader.next()
      let record = try #require(next)
      #expect(record.watermark == LogPosition(log: 8, offset: watermark))
      #expect(record.firstSequence == SequenceNumber(77))
      var decoder = try BatchDecoder(of: record)
      #expect(decoder.count == 1 && decoder.remaining == 1)
      let first = try decoder.next()
      let entry = try #require(first)
      #expect(entries[entry.kind]?.key == entry.userKey.array)
      #expect(entries[entry.kind]?.value == entry.value.array)
      #expect(entry.keyspace == 0x0102_0304 && entry.expiry == 0)
      let second = try decoder.next()
      #expect(second == nil && decoder.remaining == 0)
      let last = reader.next()
      #expect(last == nil && reader.end == .clean)
    }
  }
}
