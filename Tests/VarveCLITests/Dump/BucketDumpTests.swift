import Testing
import VarveFormat

@testable import VarveCLI

/// What `varve dump` shows of the objects of a bucket, and of the file `bucket` of a store.
@Suite("Dump of a bucket's objects")
struct BucketDumpTests {
  private static let store = FileID(low: 5, high: 6)

  private static func manifest() -> BucketManifest {
    var version = Manifest(storeID: store)
    version.number = 3
    version.nextFileNumber = 9
    version.lastSequence = SequenceNumber(50)
    version.isCleanlyClosed = true
    version.segments = [
      SegmentRecord(
        number: 4, id: FileID(low: 5, high: 6), level: 1, size: 1000,
        smallestKey: [0, 0, 0, 1, 0x61], largestKey: [0, 0, 0, 1, 0x62],
        smallestSequence: SequenceNumber(1), largestSequence: SequenceNumber(50), entryCount: 50,
        rawBytes: 400)
    ]
    let digest = [UInt8](repeating: 0xab, count: 32)
    let copy = BucketObject(epoch: 2, digest: digest, tailBytes: 700)
    return BucketManifest(
      number: 7, predecessorDigest: digest, epoch: 2, writer: FileID(low: 11, high: 12),
      nonce: FileID(low: 13, high: 14), serverTime: 1_700_000_000_000, logFloor: 3,
      version: version, objects: [copy],
      garbage: [BucketGarbage(BucketFile(.values, 2, copy), since: 99)])
  }

  private static func log() throws -> BucketLog {
    var batch = BatchEncoder()
    try Array("a".utf8).withByteView { key in
      try Array("one".utf8).withByteView { value in try batch.put(key, in: 1, value) }
      try batch.delete(key, in: 2)
    }
    var payload: [UInt8] = []
    batch.withPayload { payload = $0.array }
    return BucketLog(
      storeID: store, number: 9, epoch: 2, writer: FileID(low: 11, high: 12),
      nonce: FileID(low: 13, high: 14),
      batches: [1, 3].map { .init(first: SequenceNumber($0), count: 2, payload: payload) })
  }

  /// One of each, with the name it has.
  private static func samples() throws -> [(name: String, bytes: [UInt8])] {
    [
      ("store", BucketIdentity(storeID: store, created: 1_700_000_000_000).encoded()),
      ("manifest/00000000000000000007", manifest().encoded()),
      ("log/00000000000000000009", try log().encoded()),
      (
        "pin/before",
        BucketPin(
          storeID: store, manifest: 7, kind: .checkpoint, expires: 0, nonce: FileID(low: 3, high: 4)
        ).encoded()
      ),
      (
        "bucket",
        BucketTie(
          location: "/mnt/c\u{1b}old", writers: [FileID(low: 1, high: 2)], head: manifest(),
          storeID: store, apartSince: .init(manifest: 3, last: SequenceNumber(50))
        ).encoded()
      ),
    ]
  }

  private static func dump(
    _ bytes: [UInt8], _ name: String, _ detail: DumpWriter.Detail = .init()
  ) throws -> (lines: [String], damage: Int) {
    let output = CapturedOutput()
    let writer = DumpWriter(output.output, detail)
    try bytes.withByteView { try FileDump(writer: writer).run($0, name: name) }
    return (try output.lines(), writer.damageCount)
  }

  private static func sample(_ name: String, _ detail: DumpWriter.Detail = .init()) throws
    -> [String]
  {
    let sample = try #require(try samples().first { $0.name.hasPrefix(name) })
    let (lines, damage) = try dump(sample.bytes, sample.name, detail)
    #expect(damage == 0, "\(lines)")
    return lines
  }

  @Test("shows which store it is")
  func showsStore() throws {
    #expect(
      try Self.sample("store") == [
        "store: bucket identity, 61 bytes",
        "    offset      length  what",
        "0x00000000          48  frame           kind bucket identity, version 0, number 0,"
          + " store 00000000000000060000000000000005",
        "0x00000030           9  identity        created 1,700,000,000,000",
      ])
  }

  @Test("shows a manifest with the version in it and where its files are")
  func showsManifest() throws {
    let lines = try Self.sample("manifest")
    #expect(lines[0].hasPrefix("manifest/00000000000000000007: bucket manifest, "))
    #expect(lines.contains { $0.contains("kind bucket manifest, version 0, number 7") })
    #expect(
      lines.contains {
        $0.contains("commit") && $0.contains("epoch 2") && $0.contains("log floor 3")
      })
    #expect(lines.contains { $0.hasPrefix("0x000000cc") && $0.contains("version ") })
    #expect(lines.contains { $0.contains("file segment-0000000000000004, level 1, bytes 1,000") })
    let name = "file/ab/0000000000000002-0000000000000004-abababababababab.segment"
    #expect(
      lines.contains { $0.contains("copy ") && $0.contains(name) && $0.contains("tail 700") })
    #expect(lines.contains { $0.contains("garbage ") && $0.contains(".values, since 99") })
  }

  @Test("shows a log, with batches and entries where asked")
  func showsLog() throws {
    let lines = try Self.sample("log")
    #expect(!lines.contains { $0.contains("batch ") })
    #expect(
      lines.contains { $0.contains("batches 2, entries 4") && $0.contains("last sequence 4") })
    let blocks = try Self.sample("log", .init(blocks: true)).filter { $0.contains("batch ") }
    #expect(blocks.count == 2)
    #expect(blocks[0].hasPrefix("0x00000059") && blocks[0].contains("first sequence 1, entries 2"))
    let entries = try Self.sample("log", .init(entries: true)).filter { $0.contains("entry ") }
    #expect(entries.count == 4)
    #expect(
      entries[2].hasSuffix(#"action put, sequence 3, keyspace 1, key "a", value "one""#),
      "\(entries)")
  }

  @Test("shows what keeps a version, and what a store knows of its bucket")
  func showsPinAndTie() throws {
    let pin = try Self.sample("pin")
    #expect(pin.contains { $0.contains("pin ") && $0.contains("kind checkpoint, manifest 7") })
    let tie = try Self.sample("bucket")
    #expect(tie[0].hasPrefix("bucket: bucket file, "))
    #expect(tie.contains { $0.contains(#"location "/mnt/c\x1bold", state whole, writers 1"#) })
    #expect(tie.contains { $0.contains("apart since manifest 3, apart since sequence 50") })
    #expect(tie.contains { $0.contains("writer ") && $0.hasSuffix("00020000000000000001") })
    #expect(tie.contains { $0.contains("commit ") && $0.contains("number 7") })
    #expect(tie.contains { $0.contains("file segment-0000000000000004") })
  }

  @Test("writes one JSON object a line")
  func writesJSON() throws {
    for (name, _) in try Self.samples() {
      for line in try Self.sample(name, .init(entries: true, asJSON: true)) {
        var scanner = JSONScanner(MemorySource(line))
        var output: [UInt8] = []
        try scanner.value(into: &output, limit: 10_000)
        try scanner.endRecord()
      }
    }
    #expect(
      try Self.sample("pin", .init(asJSON: true))[0]
        == #"{"what":"file","name":"pin/before","kind":"bucket pin","bytes":78}"#)
  }

  @Test("shows a flaw of any byte and any cut, and never traps")
  func survivesEveryFlip() throws {
    for (name, bytes) in try Self.samples() {
      for offset in bytes.indices {
        var flipped = bytes
        flipped[offset] ^= 1 << UInt8(offset % 8)
        let damage = try Self.dump(flipped, name, .init(entries: true)).damage
        if damage == 0 { Issue.record("the flip at \(offset) of \(name) is not shown") }
        // By its first bytes alone.
        if offset >= 8 {
          let damage = try Self.dump(flipped, "x", .init(entries: true, asJSON: true)).damage
          if damage == 0 { Issue.record("the flip at \(offset) of x (\(name)) is not shown") }
        }
      }
      for count in bytes.indices {
        let damage = try Self.dump(Array(bytes.prefix(count)), name).damage
        if damage == 0 { Issue.record("\(name) cut to \(count) is not shown") }
      }
      #expect(try Self.dump(bytes + [0], name).damage == 1)
    }
  }

  @Test("shows the version in a manifest whose other bytes are damaged")
  func readsOn() throws {
    var bytes = Self.manifest().encoded()
    bytes[56] ^= 1
    let (lines, damage) = try Self.dump(bytes, "manifest/00000000000000000007")
    #expect(damage == 1)
    #expect(lines.contains { $0.contains("structure bucket object, problem checksum mismatch") })
    #expect(lines.contains { $0.contains("file segment-0000000000000004") })
  }

  @Test("knows an object by its name, and says where name and bytes differ")
  func knowsNames() throws {
    let samples = try Self.samples()
    let manifest = samples[1].bytes
    #expect(try Self.dump(manifest, "x").damage == 0)
    #expect(try Self.dump(manifest, "00000000000000000007").damage == 0)
    #expect(try Self.dump(manifest, "00000000000000000008").damage == 1)
    #expect(try Self.dump(manifest, "log/00000000000000000007").damage == 1)
    #expect(try Self.dump(manifest, "segment-0000000000000001").damage == 1)
    #expect(try Self.dump(samples[3].bytes, "bucket").damage == 1)
    #expect(throws: CommandFailure.self) { try Self.dump([UInt8](repeating: 1, count: 80), "x") }
    #expect(StoreDump.title(of: "x/manifest/00000000000000000007") == samples[1].name)
    #expect(StoreDump.title(of: "pin/before") == "pin/before")
    #expect(StoreDump.title(of: "log/segment-0000000000000001") == "segment-0000000000000001")
    #expect(StoreDump.title(of: "x/y") == "y")
  }
}
