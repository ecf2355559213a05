import Testing
import VarveFormat
import VarveTestSupport

@testable import VarveCLI

/// What `varve dump` says of files that nobody wrote: something, and then it ends.
@Suite("Dump of forged files")
struct DumpForgeryTests {
  /// A log of a few records, a sealed value file and a manifest.
  private static func samples() throws -> [[UInt8]] {
    var manifest = Manifest(storeID: FileID(low: 3, high: 4))
    manifest.number = 5
    manifest.nextFileNumber = 40
    manifest.lastSequence = SequenceNumber(900)
    manifest.segments = (1...3).map { number in
      SegmentRecord(
        number: number, id: FileID(low: number, high: 7), level: 0, size: 5000,
        smallestKey: [0, 0, 0, 1], largestKey: [0, 0, 0, 1, 9],
        smallestSequence: SequenceNumber(1), largestSequence: SequenceNumber(90), entryCount: 9,
        rawBytes: 100)
    }
    return [try log(), values(), manifest.encoded()]
  }

  private static func log() throws -> [UInt8] {
    let identity = LogIdentity(number: 7, salt: 1)
    var writer = ByteWriter()
    writer.append(
      FileHeader(.log, number: 7, identity: FileID(low: 1, high: 0), storeTag: 2).encoded())
    for index in 0..<6 {
      var batch = BatchEncoder()
      try [UInt8(index)].withByteView { try batch.put($0, in: 1, $0, expiry: UInt64(index)) }
      batch.withPayload { payload in
        LogFramer.frame(
          .batch, payload, firstSequence: SequenceNumber(UInt64(index + 1)), watermark: .none,
          identity: identity, offset: UInt64(writer.count), into: &writer)
      }
    }
    return writer.bytes
  }

  private static func values() -> [UInt8] {
    let id = FileID(low: 5, high: 6)
    var writer = ByteWriter()
    writer.append(FileHeader(.values, identity: id).encoded())
    let header = StoredValueHeader(
      codec: .none, alignmentShift: 3, checksum: 0, storedCount: 16, fullCount: 16)
    for _ in 0..<4 {
      ValueRecord.value(header).encode(to: &writer, in: id, at: UInt64(writer.count))
      writer.zeros(16)
    }
    ValueRecord.gap(24).encode(to: &writer, in: id, at: UInt64(writer.count))
    writer.zeros(24)
    ValueRecord.end(ValueFileCounts(values: 4, bytes: 64))
      .encode(to: &writer, in: id, at: UInt64(writer.count))
    return writer.bytes
  }

  @Test("ends and says something, whatever the bytes and the length are")
  func ends() throws {
    for (kind, sound) in try Self.samples().enumerated() {
      for seed in 0..<UInt64(400) {
        var random = SeededRandom(seed: seed)
        var bytes = sound
        for _ in 0...random.below(3) {
          bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        if seed % 3 == 0 { bytes.removeLast(random.below(bytes.count - 8)) }
        let output = CapturedOutput()
        let writer = DumpWriter(output.output, .init(blocks: true, entries: true))
        // A file that lost its magic is refused.
        try? bytes.withByteView { try FileDump(writer: writer).run($0, name: "x") }
        let count = try output.lines().count
        #expect(count < 200, "kind \(kind), seed \(seed)")
      }
    }
  }

  /// Every header is intact and claims all that follows: only the first is believed, so that what is
  /// read does not grow with the square of the file.
  @Test("does not search within a record whose header tells its length")
  func readsOverlappingRecordsOnce() throws {
    var bytes = FileHeader(
      .log, number: 7, identity: FileID(low: 1, high: 0), storeTag: 2
    ).encoded()
    let count = 200
    for index in 0..<count {
      let offset = UInt64(64 + 32 * index)
      var fields = ByteWriter()
      fields.uint32(1)
      fields.uint32(UInt32(32 * (count - index - 1)))
      fields.uint32(1)
      fields.uint64(1)
      fields.uint64(0)
      var sum = CRC32C()
      for number in [7, 1, offset] { sum.append(number) }
      fields.bytes.withByteView { sum.append($0) }
      var record = ByteWriter()
      record.uint32(sum.value)
      record.append(fields.bytes)
      bytes += record.bytes
    }
    let output = CapturedOutput()
    let writer = DumpWriter(output.output, .init())
    try bytes.withByteView { try FileDump(writer: writer).run($0, name: "x") }
    #expect(writer.damageCount == 1)
  }
}
