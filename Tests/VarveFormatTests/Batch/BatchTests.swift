import Testing
import VarveFormat
import VarveTestSupport

/// An entry, copied out of the lent bytes.
struct BatchItem: Equatable {
  var kind: EntryKind
  var keyspace: UInt32
  var key: [UInt8]
  var expiry: ExpiryTime = 0
  var value: [UInt8] = []

  /// Reads a whole payload.
  static func decode(_ payload: [UInt8]) throws -> [BatchItem] {
    try payload.withByteView { payload in
      var decoder = try BatchDecoder(payload)
      var items: [BatchItem] = []
      while let entry = try decoder.next() {
        items.append(
          BatchItem(
            kind: entry.kind, keyspace: entry.keyspace, key: entry.userKey.array,
            expiry: entry.expiry, value: entry.value.array))
      }
      guard items.count == decoder.count, decoder.remaining == 0 else { throw Miscount() }
      return items
    }
  }

  struct Miscount: Error {}

  static func encode(_ items: [BatchItem]) throws -> [UInt8] {
    var encoder = BatchEncoder()
    for item in items { try item.add(to: &encoder) }
    return encoder.withPayload(\.array)
  }

  private func add(to encoder: inout BatchEncoder) throws {
    try withViews([key, value]) { views in
      switch kind {
      case .put: try encoder.put(views[0], in: keyspace, views[1], expiry: expiry)
      case .pointer:
        let pointer = try ValuePointer(decoding: views[1])
        try encoder.put(views[0], in: keyspace, at: pointer, expiry: expiry)
      case .delete, .rangeDelete: try encoder.delete(views[0], in: keyspace)
      }
    }
  }
}

@Suite("Batch")
struct BatchTests {
  static let pointer: [UInt8] = {
    var writer = ByteWriter()
    ValuePointer(
      file: 3, offset: 4096, storedCount: 100, fullCount: 200, checksum: 5, codec: .lz4
    ).encode(to: &writer)
    return writer.bytes
  }()

  static let items = [
    BatchItem(kind: .put, keyspace: 1, key: Array("bash".utf8), value: Array("shell".utf8)),
    BatchItem(kind: .delete, keyspace: 0x0102_0304, key: Array("csh".utf8)),
    BatchItem(kind: .put, keyspace: 1, key: [], expiry: 1_700_000_000_000, value: []),
    BatchItem(kind: .pointer, keyspace: .max, key: [0, 255], value: pointer),
    BatchItem(kind: .pointer, keyspace: 2, key: [9], expiry: .max, value: pointer),
  ]

  @Test func entriesReadBackAsTheyWereWritten() throws {
    #expect(try BatchItem.decode(BatchItem.encode(Self.items)) == Self.items)
  }

  @Test func theLayoutIsTheOneOfTheSpec() throws {
    let payload = try BatchItem.encode(Array(Self.items.prefix(3)))
    #expect(
      payload == [3, 0, 0, 0]
        + [1, 4, 0, 0, 0, 1] + Array("bash".utf8) + [5] + Array("shell".utf8)
        + [2, 3, 1, 2, 3, 4] + Array("csh".utf8)
        + [0x11, 0, 0, 0, 0, 1, 0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31, 0])
  }

  @Test func theEngineKeyIsOneRunOfBytes() throws {
    try BatchItem.encode(Self.items).withByteView { payload in
      var decoder = try BatchDecoder(payload)
      let entry = try #require(try decoder.next())
      #expect(entry.key.array == [0, 0, 0, 1] + Array("bash".utf8))
    }
  }

  @Test func randomBatchesReadBack() throws {
    let seed: UInt64 = 0x5eed
    var random = SeededRandom(seed: seed)
    for _ in 0..<200 {
      let items = (0..<1 + random.next() % 8).map { _ in
        let kind: EntryKind = [.put, .delete, .pointer][Int(random.next() % 3)]
        let value = random.bytes(Int(random.next() % 300))
        return BatchItem(
          kind: kind, keyspace: UInt32(truncatingIfNeeded: random.next()),
          key: random.bytes(Int(random.next() % 200)),
          expiry: kind == .delete || random.next() % 2 == 0 ? 0 : random.next() >> 20,
          value: kind == .put ? value : kind == .pointer ? Self.pointer : [])
      }
      #expect(
        try BatchItem.decode(BatchItem.encode(items)) == items, "SeededRandom(seed: \(seed))")
    }
  }

  @Test func keysOfEveryLengthOfLengthReadBack() throws {
    for count in [0, 1, 127, 128, 16_383, 16_384, 65_535] {
      let item = BatchItem(
        kind: .put, keyspace: 0xdead_beef, key: [UInt8](repeating: 3, count: count), value: [1])
      #expect(try BatchItem.decode(BatchItem.encode([item])) == [item])
    }
  }

  @Test func anEmptiedEncoderStartsAfresh() throws {
    var encoder = BatchEncoder()
    #expect(encoder.isEmpty)
    try [1].withByteView { key in try encoder.delete(key, in: 1) }
    #expect(!encoder.isEmpty)
    #expect(encoder.count == 1)
    encoder.removeAll()
    #expect(encoder.isEmpty)
    #expect(encoder.byteCount == 4)
    try [2].withByteView { key in try encoder.delete(key, in: 1) }
    let item = BatchItem(kind: .delete, keyspace: 1, key: [2])
    #expect(try BatchItem.decode(encoder.withPayload(\.array)) == [item])
  }

  @Test func whatIsTooLargeIsRefusedAndAddsNothing() throws {
    var encoder = BatchEncoder()
    let long = [UInt8](repeating: 1, count: Limits.keyBytes + 1)
    let error = FormatError(
      .batch, .limit("a key of 65536 bytes (the limit is 65535)"), at: 4)
    long.withByteView { key in
      #expect(throws: error) { try encoder.put(key, in: 1, .empty) }
      #expect(throws: error) { try encoder.delete(key, in: 1) }
    }
    #expect(encoder.isEmpty)
    #expect(encoder.byteCount == 4)
    try Array(long.dropLast()).withByteView { key in try encoder.put(key, in: 1, .empty) }
    #expect(try BatchItem.decode(encoder.withPayload(\.array)).count == 1)
  }

  @Test func everyTruncationIsRefused() throws {
    let payload = try BatchItem.encode(Self.items)
    for length in 0..<payload.count {
      #expect(throws: FormatError.self, "cut at \(length)") {
        try BatchItem.decode(Array(payload.prefix(length)))
      }
    }
  }

  @Test func whatFollowsTheLastEntryIsRefused() throws {
    let payload = try BatchItem.encode(Self.items)
    #expect(throws: FormatError(.batch, .excess, at: UInt64(payload.count))) {
      try BatchItem.decode(payload + [0])
    }
  }

  @Test(
    arguments: [
      ("no count", [1, 0, 0], .truncated, 0),
      ("no entries", [0, 0, 0, 0], .value("entry count"), 0),
      ("more entries than bytes", [2, 0, 0, 0, 2, 0, 0, 0, 0, 1], .limit("entry count"), 0),
      ("2^32 entries", [255, 255, 255, 255, 2, 0, 0, 0, 0, 1], .limit("entry count"), 0),
      ("kind 0", [1, 0, 0, 0, 0, 0, 0, 0, 0, 1], .value("entry kind"), 4),
      ("kind 3", [1, 0, 0, 0, 3, 0, 0, 0, 0, 1], .value("entry kind"), 4),
      ("kind 5", [1, 0, 0, 0, 5, 0, 0, 0, 0, 1], .value("entry kind"), 4),
      ("unknown flag", [1, 0, 0, 0, 0x22, 0, 0, 0, 0, 1], .value("entry kind"), 4),
      ("delete that expires", [1, 0, 0, 0, 0x12, 0, 0, 0, 0, 1, 1], .value("entry kind"), 4),
      ("expiry of never", [1, 0, 0, 0, 0x11, 0, 0, 0, 0, 1, 0, 0], .value("expiry"), 10),
      ("key beyond the end", [1, 0, 0, 0, 2, 2, 0, 0, 0, 1, 7], .truncated, 6),
      ("key too long", [1, 0, 0, 0, 2, 0x80, 0x80, 4, 0, 0, 0, 1], .limit("key length"), 5),
      ("long form of a length", [1, 0, 0, 0, 2, 0x80, 0, 0, 0, 0, 1], .value("varint padding"), 5),
      (
        "value too long", [1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0x81, 0x80, 0x80, 0x80, 4],
        .limit("value length"), 10
      ),
      (
        "length beyond 64 bits",
        [1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
        .limit("varint"), 10
      ),
      ("value beyond the end", [1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 9, 9], .truncated, 11),
      ("pointer cut", [1, 0, 0, 0, 4, 0, 0, 0, 0, 1, 3, 9, 9], .truncated, 10),
    ] as [(String, [UInt8], FormatError.Fault, UInt64)])
  func hostileBytesAreRefused(
    _ name: String, _ payload: [UInt8], _ fault: FormatError.Fault, _ offset: UInt64
  ) {
    #expect(throws: FormatError(.batch, fault, at: offset)) { try BatchItem.decode(payload) }
  }

  @Test func aPointerThatBreaksItsOwnRulesIsRefused() throws {
    let item = BatchItem(kind: .pointer, keyspace: 1, key: [], value: Self.pointer)
    var payload = try BatchItem.encode([item])
    payload[payload.count - 1] = 1
    #expect(throws: FormatError(.valuePointer, .value("reserved bytes"), at: 39)) {
      try BatchItem.decode(payload)
    }
  }

  @Test func noBytesAtAllMakeTheDecoderTrap() {
    let seed: UInt64 = 0x5eed
    var random = SeededRandom(seed: seed)
    let whole = (try? BatchItem.encode(Self.items)) ?? []
    for _ in 0..<3000 {
      var bytes = random.next() % 2 == 0 ? whole : random.bytes(Int(random.next() % 60))
      for _ in 0...random.next() % 3 where !bytes.isEmpty {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      // What still decodes must be what would be written: there is one form for everything.
      guard let items = try? BatchItem.decode(bytes) else { continue }
      if (try? BatchItem.encode(items)) != bytes {
        Issue.record("a second form was accepted: SeededRandom(seed: \(seed))")
      }
    }
  }
}
