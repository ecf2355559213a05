import Testing
import VarveFormat

@testable import VarveCLI

/// What a dump writes, as it goes to a file or a pipe.
private func dump(
  _ bytes: [UInt8], _ name: String = "x", _ detail: DumpWriter.Detail = .init()
) throws -> (lines: [String], damage: Int) {
  let output = CapturedOutput()
  let writer = DumpWriter(output.output, detail)
  try bytes.withByteView { try FileDump(writer: writer).run($0, name: name) }
  return (try output.lines(), writer.damageCount)
}

/// A log with three batches of two entries each.
private func log(storing entries: [(key: String, value: String)]) throws -> [UInt8] {
  let identity = LogIdentity(number: 7, salt: 0x1234)
  var writer = ByteWriter()
  writer.append(
    FileHeader(
      .log, number: 7, identity: FileID(low: 0x1234, high: 0), storeTag: 0xabcd
    ).encoded())
  for (index, entry) in entries.enumerated() {
    var batch = BatchEncoder()
    try Array(entry.key.utf8).withByteView { key in
      try Array(entry.value.utf8).withByteView { value in try batch.put(key, in: 1, value) }
      try batch.delete(key, in: 2)
    }
    batch.withPayload { payload in
      LogFramer.frame(
        .batch, payload, firstSequence: SequenceNumber(UInt64(2 * index + 1)),
        watermark: LogPosition(log: 7, offset: 64), identity: identity,
        offset: UInt64(writer.count), into: &writer)
    }
  }
  writer.zeros(64)
  return writer.bytes
}

private let entries = [("a", "one"), ("b\n", "two"), ("c", String(repeating: "x", count: 100))]

@Suite("Dump")
struct DumpTests {
  @Test("shows the layout of a log")
  func showsLog() throws {
    let (lines, damage) = try dump(try log(storing: entries))
    #expect(damage == 0)
    #expect(
      lines == [
        "x: log, 416 bytes",
        "    offset      length  what",
        "0x00000000          64  file header     kind log, version 0, number 7,"
          + " salt 0x0000000000001234, store tag 0x000000000000abcd",
        "0x00000160          64  end             state nothing but zeros",
        "                        sum             records 3, entries 6, payload bytes 165,"
          + " first sequence 1, last sequence 6",
      ])
  }

  @Test("shows records and entries where asked, long values cut")
  func showsEntries() throws {
    let bytes = try log(storing: entries)
    let records = try dump(bytes, "x", .init(blocks: true)).lines.filter { $0.contains("record ") }
    #expect(records.count == 3)
    #expect(
      records[0] == "0x00000040          64  record          type batch, first sequence 1,"
        + " entries 2, payload 22, watermark log-0000000000000007 at 64")
    let shown = try dump(bytes, "x", .init(entries: true)).lines.filter { $0.contains("entry ") }
    #expect(shown.count == 6)
    #expect(shown[2].hasSuffix(#"action put, sequence 3, keyspace 1, key "b\n", value "two""#))
    #expect(shown[3].hasSuffix(#"action delete, sequence 4, keyspace 2, key "b\n""#))
    #expect(shown[4].hasSuffix("xxxx\"... (100 bytes)"))
    let hex = try dump(bytes, "x", .init(entries: true, asHex: true)).lines
    #expect(hex.contains { $0.hasSuffix("key 620a, value 74776f") })
  }

  @Test("writes one JSON object a line, whole values included")
  func writesJSON() throws {
    let lines = try dump(
      try log(storing: entries), "x", .init(entries: true, asJSON: true)
    ).lines
    #expect(lines[0] == #"{"what":"file","name":"x","kind":"log","bytes":416}"#)
    #expect(
      lines.contains(
        #"{"what":"entry","action":"put","sequence":3,"keyspace":1,"key":"b\n","value":"two"}"#))
    #expect(lines.contains { $0.contains(String(repeating: "x", count: 100)) })
    for line in lines {
      var scanner = JSONScanner(MemorySource(line))
      var output: [UInt8] = []
      try scanner.value(into: &output, limit: 10_000)
      try scanner.endRecord()
    }
  }

  @Test("says where a damaged log breaks, and reads on behind it")
  func readsOn() throws {
    var bytes = try log(storing: entries)
    bytes[0x80 + 40] ^= 1
    let (lines, damage) = try dump(bytes, "x", .init(blocks: true))
    #expect(damage == 1)
    let line = try #require(lines.first { $0.contains("damage") })
    #expect(line.hasPrefix("0x000000a0"))
    #expect(line.contains("structure log record, problem checksum mismatch"))
    #expect(lines.filter { $0.contains("type batch") }.count == 2)
    #expect(lines.contains { $0.hasPrefix("0x00000080          64  unread") })
  }

  @Test("reads the records behind a damaged file header")
  func survivesHeaderDamage() throws {
    var bytes = try log(storing: entries)
    bytes[60] ^= 1
    let (lines, damage) = try dump(bytes, "x", .init(blocks: true))
    #expect(damage == 1)
    #expect(lines.filter { $0.contains("type batch") }.count == 3)
  }

  @Test("knows a file by its name where the magic is damaged, and refuses what is neither")
  func recognises() throws {
    var bytes = try log(storing: entries)
    bytes[0] ^= 1
    let (lines, damage) = try dump(bytes, "log-0000000000000007", .init(blocks: true))
    #expect(damage == 1)
    #expect(lines.contains { $0.contains("wrong magic") })
    #expect(lines.filter { $0.contains("type batch") }.count == 3)
    #expect(throws: CommandFailure.self) { try dump(bytes, "log-7") }
    #expect(throws: CommandFailure.self) { try dump([], "x") }
  }

  @Test("ends at a flaw of any byte, with an exact place, and never traps")
  func survivesEveryFlip() throws {
    let bytes = try log(storing: entries)
    for offset in 0..<352 {
      var flipped = bytes
      flipped[offset] ^= 1 << UInt8(offset % 8)
      let damage = try dump(flipped, "log-0000000000000007", .init(entries: true)).damage
      if damage == 0 { Issue.record("the flip at \(offset) is not shown") }
    }
    for count in 1..<bytes.count {
      let cut = Array(bytes.prefix(count))
      _ = try dump(cut, "log-0000000000000007", .init(entries: true))
    }
  }

  @Test("shows a manifest file by file")
  func showsManifest() throws {
    var manifest = Manifest(storeID: FileID(low: 1, high: 2))
    manifest.number = 3
    manifest.nextFileNumber = 9
    manifest.lastSequence = SequenceNumber(50)
    manifest.segments = [
      SegmentRecord(
        number: 4, id: FileID(low: 5, high: 6), level: 1, size: 1000,
        smallestKey: [0, 0, 0, 1, 0x61], largestKey: [0, 0, 0, 1, 0x62],
        smallestSequence: SequenceNumber(1), largestSequence: SequenceNumber(50), entryCount: 50,
        rawBytes: 400, valueReferences: [ValueReference(file: 7, count: 2, bytes: 20)])
    ]
    manifest.valueFiles = [
      ValueFileRecord(
        number: 7, id: FileID(low: 8, high: 9), size: 300, valueCount: 2, valueBytes: 20)
    ]
    let bytes = manifest.encoded()
    let (lines, damage) = try dump(bytes, "x", .init(blocks: true))
    #expect(damage == 0)
    #expect(lines.contains { $0.contains("number 3") && $0.contains("next file number 9") })
    #expect(lines.contains { $0.contains("file segment-0000000000000004, level 1, bytes 1,000") })
    #expect(lines.contains { $0.contains(#"smallest key "\x00\x00\x00\x01a""#) })
    #expect(lines.contains { $0.contains("file values-0000000000000007, values 2") })
    #expect(lines.contains { $0.contains("file values-0000000000000007, bytes 300") })
    for offset in bytes.indices {
      var flipped = bytes
      flipped[offset] ^= 1 << UInt8(offset % 8)
      let damage = try dump(flipped, "manifest-0000000000000003").damage
      if damage == 0 { Issue.record("the flip at \(offset) is not shown") }
    }
  }

  @Test("splits paths")
  func splitsPaths() {
    #expect(StoreDump.split("a") == (".", "a"))
    #expect(StoreDump.split("a/b/c") == ("a/b", "c"))
    #expect(StoreDump.split("/a") == ("/", "a"))
  }
}
