import Testing
import VarveFormat

extension KeyspaceRecord {
  /// A record in which every field holds something.
  static var sample: KeyspaceRecord {
    var policy = Policy()
    policy.compression = .zstd(level: 19)
    policy.valueAlignmentLog2 = 6
    policy.largeValueBytes = 2048
    policy.blockBytes = 16_384
    policy.timeToLive = 86_400_000
    policy.filterBitsPerKey = 12
    policy.valueBytes = 1536
    return KeyspaceRecord(number: 77, policy: policy)
  }

  init(value: [UInt8]) throws(FormatError) {
    self = try value.withByteView { view throws(FormatError) in
      try KeyspaceRecord(decoding: view)
    }
  }
}

@Suite("Keyspace records")
struct KeyspaceRecordTests {
  @Test func aRecordReadsBackAsItWasWritten() throws {
    var records = [KeyspaceRecord.sample, KeyspaceRecord(number: 1)]
    for compression in [KeyspaceRecord.Compression.automatic, .none, .lz4, .zstd(level: 0)] {
      records[1].policy.compression = compression
      records.append(records[1])
    }
    for record in records {
      #expect(record.encoded().count == 32)
      #expect(try KeyspaceRecord(value: record.encoded()) == record)
    }
  }

  @Test func everyOtherLengthIsRefused() {
    let bytes = KeyspaceRecord.sample.encoded()
    for length in 0..<32 {
      #expect(throws: FormatError.self) { try KeyspaceRecord(value: Array(bytes.prefix(length))) }
    }
    #expect(throws: FormatError(.catalog, .excess, at: 32)) {
      try KeyspaceRecord(value: bytes + [0])
    }
  }

  @Test func aboveEachKeyspaceNumberThereIsAnother() throws {
    #expect(throws: FormatError(.catalog, .value("keyspace number"), at: 4)) {
      try KeyspaceRecord(value: KeyspaceRecord(number: .max).encoded())
    }
    let last = KeyspaceRecord(number: .max - 1)
    #expect(try KeyspaceRecord(value: last.encoded()) == last)
  }

  @Test func whateverIsAcceptedHasOneForm() {
    let bytes = KeyspaceRecord.sample.encoded()
    for place in bytes.indices {
      for value in UInt8.min...UInt8.max {
        var changed = bytes
        changed[place] = value
        guard let record = try? KeyspaceRecord(value: changed) else { continue }
        if record.encoded() != changed { Issue.record("byte \(place) = \(value)") }
      }
    }
  }

  @Test(
    arguments: [
      (0, 1, .version(1)), (1, 4, .value("compression")), (2, 23, .value("compression level")),
      (3, 2, .value("value alignment")), (3, 13, .value("value alignment")),
      (4, 0, .value("keyspace number")), (14, 1, .limit("block size")),
      (25, 1, .value("reserved bytes")), (27, 1, .value("reserved bytes")),
      (31, 0x41, .limit("value size")),
    ] as [(Int, UInt8, FormatError.Fault)])
  func whatIsNotAllowedIsRefused(_ place: Int, _ value: UInt8, _ fault: FormatError.Fault) {
    var bytes = KeyspaceRecord.sample.encoded()
    bytes[place] = value
    do {
      _ = try KeyspaceRecord(value: bytes)
      Issue.record("byte \(place) = \(value) was overlooked")
    } catch {
      #expect(error.fault == fault)
    }
  }

  @Test func aLevelWithoutZstdIsRefused() {
    var bytes = KeyspaceRecord(number: 1).encoded()
    bytes[2] = 1
    #expect(throws: FormatError(.catalog, .value("compression level"), at: 2)) {
      try KeyspaceRecord(value: bytes)
    }
  }

  @Test func namesReadBackFromTheirKeys() throws {
    for name in ["a", "packages", "é", String(repeating: "n", count: 255)] {
      #expect(SystemKeyspace.isValid(name: name))
      let key = SystemKeyspace.recordKey(name)
      #expect(try key.withByteView { try SystemKeyspace.name(inKey: $0) } == name)
    }
    #expect(!SystemKeyspace.isValid(name: ""))
    #expect(!SystemKeyspace.isValid(name: String(repeating: "é", count: 128)))
    for key in [[], [0x6b], [0x6e], [0x6b, 0xff], [0x6b] + [UInt8](repeating: 0x61, count: 256)] {
      #expect(throws: FormatError.self) {
        try key.withByteView { try SystemKeyspace.name(inKey: $0) }
      }
    }
  }

  @Test func theNextNumberReadsBack() throws {
    for number in [UInt32(2), .max] {
      let value = SystemKeyspace.encodeNextNumber(number)
      #expect(try value.withByteView { try SystemKeyspace.decodeNextNumber($0) } == number)
    }
    for value in [[1, 0, 0, 0], [2, 0, 0], [2, 0, 0, 0, 0]] as [[UInt8]] {
      #expect(throws: FormatError.self) {
        try value.withByteView { try SystemKeyspace.decodeNextNumber($0) }
      }
    }
  }
}
