import Testing
import VarveTestSupport

@testable import VarveFormat

/// A record of one entry is put together in one pass; batch encoder and framer, which do it in two,
/// are the reference.
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

  @Test func everyRecordIsTheOneThatIsMadeInTwoPasses() throws {
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
      let isEqual = single.record.array == expected
      #expect(isEqual, "round \(round)")
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
}
