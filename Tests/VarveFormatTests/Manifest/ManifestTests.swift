import Testing
import VarveFormat
import VarveTestSupport

extension Manifest {
  /// A manifest in which every field holds something.
  static var sample: Manifest {
    var manifest = Manifest(storeID: FileID(low: 0x1122_3344_5566_7788, high: 42))
    manifest.number = 18
    manifest.predecessorDigest = (0..<32).map { $0 }
    manifest.nextFileNumber = 300
    manifest.lastSequence = SequenceNumber(1000)
    manifest.logFloor = 90
    manifest.isCleanlyClosed = true
    manifest.logs = [
      LogExtent(number: 90, length: 64, lastSequence: .zero),
      LogExtent(number: 95, length: 4096, lastSequence: SequenceNumber(1200)),
    ]
    manifest.timeFloor = 1_700_000_000_000
    manifest.segments = [
      .sample(number: 40, level: 0, from: "b", to: "x"),
      .sample(number: 60, level: 0, from: "a", to: "x"),
      .sample(number: 30, level: 1, from: "a", to: "c"),
      .sample(number: 20, level: 1, from: "d", to: "d"),
      .sample(number: 10, level: 6, from: "a", to: "z"),
    ]
    manifest.segments[3].digest = [UInt8](repeating: 0xdd, count: 32)
    manifest.segments[4].valueReferences = [
      ValueReference(file: 50, count: 3, bytes: 9000),
      ValueReference(file: 70, count: 1, bytes: 0),
    ]
    manifest.valueFiles = [
      ValueFileRecord(
        number: 50, id: FileID(low: 5, high: 6), size: 1 << 30, valueCount: 7, valueBytes: 9999,
        isOrdered: true),
      ValueFileRecord(
        number: 70, id: FileID(low: 7, high: 8), size: 64, valueCount: 1, valueBytes: 0),
    ]
    return manifest
  }

  /// Reads the file of a manifest from an array.
  init(file: [UInt8], named name: UInt64? = nil) throws(FormatError) {
    self = try file.withByteView { view throws(FormatError) in
      try Manifest(decoding: view, named: name)
    }
  }

  /// Writes right checksums over the header and the body of a file that a test changed.
  static func resign(_ file: inout [UInt8]) {
    file.set(file.prefix(60).withByteView(CRC32C.checksum(of:)), at: 60)
    let context = file[24..<48]
    let sum = (context + file[64..<file.count - 4]).withByteView(CRC32C.checksum(of:))
    file.set(sum, at: file.count - 4)
  }
}

extension ArraySlice<UInt8> {
  func withByteView<Result>(_ body: (ByteView) -> Result) -> Result {
    Array(self).withByteView(body)
  }
}

extension SegmentRecord {
  static func sample(number: UInt64, level: UInt8, from: String, to: String) -> SegmentRecord {
    SegmentRecord(
      number: number, id: FileID(low: number * 3, high: number * 5), level: level, size: 70_000,
      smallestKey: [0, 0, 0, 1] + from.utf8, largestKey: [0, 0, 0, 1] + to.utf8,
      smallestSequence: SequenceNumber(1), largestSequence: SequenceNumber(number),
      entryCount: 500, keyCount: 490, deleteCount: 2,
      expiringCount: level == 0 ? 0 : 33, earliestExpiry: level == 0 ? 0 : 77,
      latestExpiry: level == 0 ? 0 : 99, rawBytes: 123_456)
  }
}

@Suite("Manifest")
struct ManifestTests {
  @Test func aManifestReadsBackAsItWasWritten() throws {
    for manifest in [Manifest.sample, Manifest(storeID: FileID(low: 1, high: 2))] {
      let file = manifest.encoded()
      #expect(manifest.largestByteCount >= file.count)
      #expect(try Manifest(file: file) == manifest)
      #expect(try Manifest(file: file).encoded() == file)
      #expect(try Manifest(file: file, named: manifest.number) == manifest)
    }
  }

  @Test func aManifestUnderAnotherNameIsRefused() {
    #expect(throws: FormatError(.fileHeader, .value("file number"), at: 24)) {
      try Manifest(file: Manifest.sample.encoded(), named: 19)
    }
  }

  @Test func everyFlippedBitIsRefused() {
    let file = Manifest.sample.encoded()
    for bit in 0..<file.count * 8 where (try? Manifest(file: file.flippingBit(bit))) != nil {
      Issue.record("bit \(bit) was overlooked")
    }
  }

  @Test func everyOtherLengthIsRefused() {
    let file = Manifest.sample.encoded()
    for length in 0..<file.count {
      let place = length < 8 ? 0 : UInt64(length)
      let structure: FormatError.Structure = length < 64 ? .fileHeader : .manifest
      #expect(throws: FormatError(structure, .truncated, at: place)) {
        try Manifest(file: Array(file.prefix(length)))
      }
    }
    #expect(throws: FormatError(.manifest, .excess, at: UInt64(file.count))) {
      try Manifest(file: file + [0])
    }
  }

  @Test func theBodyOfAnotherVersionOrStoreIsRefused() {
    let sample = Manifest.sample
    var older = sample
    older.number -= 1
    var other = sample
    other.storeID.high += 1
    for manifest in [older, other] {
      let mixed = manifest.encoded().prefix(64) + sample.encoded()[64...]
      #expect(throws: FormatError.self) { try Manifest(file: Array(mixed)) }
    }
  }

  @Test func noChangeBehindRightChecksumsMakesTheDecoderTrap() {
    let seed: UInt64 = 0x5eed
    var random = SeededRandom(seed: seed)
    // Without fields, whose tags a reader may pass over.
    var sample = Manifest.sample
    sample.segments[3].digest = []
    sample.valueFiles[0].isOrdered = false
    let file = sample.encoded()
    for _ in 0..<3000 {
      var bytes = file
      for _ in 0...random.next() % 2 {
        let place = 64 + Int(random.next() % UInt64(bytes.count - 68))
        bytes[place] = random.next() % 3 == 0 ? 0xff : UInt8(truncatingIfNeeded: random.next())
      }
      Manifest.resign(&bytes)
      guard let manifest = try? Manifest(file: bytes) else { continue }
      if manifest.encoded() != bytes {
        Issue.record("a second form was accepted: SeededRandom(seed: \(seed))")
      }
    }
  }

  @Test func hostileCountsAreRefusedBeforeAnythingIsAllocated() throws {
    var empty = Manifest(storeID: FileID(low: 1, high: 2)).encoded()
    // Log count, segment count, value file count, field count: the last four bytes of the body.
    let counts = empty.count - 8
    for (index, what) in ["log count", "segment count", "value file count", "field count"]
      .enumerated()
    {
      var bytes = empty
      bytes[counts + index] = 0x7f
      Manifest.resign(&bytes)
      #expect(throws: FormatError(.manifest, .limit(what), at: UInt64(counts + index))) {
        try Manifest(file: bytes)
      }
    }
    empty.set(UInt32.max, at: 64)
    #expect(throws: FormatError(.manifest, .limit("body length"), at: 64)) {
      try Manifest(file: empty)
    }
  }

  @Test func bytesBehindTheBodysFieldsAreRefused() {
    let file = Manifest.sample.encoded()
    var bytes = Array(file.dropLast(4)) + [0, 0, 0, 0, 0]
    bytes.set(UInt32(bytes.count - 76), at: 64)
    Manifest.resign(&bytes)
    #expect(throws: FormatError(.manifest, .excess, at: UInt64(file.count - 4))) {
      try Manifest(file: bytes)
    }
  }

  @Test func unknownFieldsArePassedOverOrRefusedAsTheirTagSays() throws {
    var manifest = Manifest(storeID: FileID(low: 1, high: 2))
    manifest.number = 4
    let file = manifest.encoded()
    func withFields(_ fields: [UInt8]) -> [UInt8] {
      var bytes = Array(file.dropLast(5)) + fields + [0, 0, 0, 0]
      bytes.set(UInt32(bytes.count - 76), at: 64)
      Manifest.resign(&bytes)
      return bytes
    }
    let place = UInt64(file.count - 5)
    #expect(try Manifest(file: withFields([1, 9, 2, 5, 5])) == manifest)
    #expect(try Manifest(file: withFields([2, 9, 0, 11, 1, 0])) == manifest)
    #expect(throws: FormatError(.manifest, .features(8), at: place + 1)) {
      try Manifest(file: withFields([1, 8, 0]))
    }
    #expect(throws: FormatError(.manifest, .order, at: place + 3)) {
      try Manifest(file: withFields([2, 9, 0, 9, 0]))
    }
    #expect(throws: FormatError(.manifest, .truncated, at: place + 3)) {
      try Manifest(file: withFields([1, 9, 2, 5]))
    }
    #expect(throws: FormatError(.manifest, .value("flags"), at: 136)) {
      var bytes = file
      bytes[136] = 2
      Manifest.resign(&bytes)
      _ = try Manifest(file: bytes)
    }
  }
}

@Suite("Rules of a manifest")
struct ManifestRuleTests {
  /// Each breaks one rule between records.
  static let breaches: [(String, FormatError.Fault, @Sendable (inout Manifest) -> Void)] = [
    ("no next file number", .limit("file number"), { $0.nextFileNumber = 0 }),
    ("next file number too large", .limit("file number"), { $0.nextFileNumber = 1 << 56 + 1 }),
    ("number too large", .limit("file number"), { $0.number = .max }),
    ("last sequence too large", .limit("sequence number"), { $0.lastSequence.rawValue = 1 << 56 }),
    (
      "floor above the next number", .value("log floor"),
      {
        $0.logFloor = 301
        $0.logs = []
      }
    ),
    ("log below the floor", .value("log floor"), { $0.logFloor = 91 }),
    ("logs out of order", .order, { $0.logs.swapAt(0, 1) }),
    ("the same log twice", .order, { $0.logs[1].number = 90 }),
    ("value files out of order", .order, { $0.valueFiles.swapAt(0, 1) }),
    ("segment and log of one number", .value("file number"), { $0.segments[1].number = 95 }),
    ("two segments of one number", .value("file number"), { $0.segments[4].number = 30 }),
    ("segment number zero", .value("file number"), { $0.segments[4].number = 0 }),
    ("number not below the next", .limit("file number"), { $0.nextFileNumber = 95 }),
    ("levels out of order", .order, { $0.segments.swapAt(3, 4) }),
    ("level 0 out of order", .order, { $0.segments.swapAt(0, 1) }),
    ("deeper level out of order", .order, { $0.segments.swapAt(2, 3) }),
    ("deeper level overlapping", .order, { $0.segments[2].largestKey = [0, 0, 0, 1, 0x64] }),
    ("sequence above the last", .limit("sequence number"), { $0.lastSequence.rawValue = 59 }),
    ("value file not listed", .value("value reference"), { $0.valueFiles.removeLast() }),
  ]

  @Test func eachBreachIsRefused() throws {
    try Manifest.sample.checkRules()
    for (name, fault, change) in Self.breaches {
      var manifest = Manifest.sample
      change(&manifest)
      let expected = FormatError(.manifest, fault, at: 72)
      #expect(throws: expected, "\(name)") { try Manifest(file: manifest.encoded()) }
    }
  }

  /// Each breaks a rule within one record.
  static let flawedRecords: [(String, FormatError.Fault, @Sendable (inout Manifest) -> Void)] = [
    ("length of a log unaligned", .value("log length"), { $0.logs[1].length = 72 }),
    ("length of a log too small", .value("log length"), { $0.logs[1].length = 48 }),
    ("sequence of an empty log", .value("sequence number"), { $0.logs[0].lastSequence = .max }),
    (
      "sequence of a log too large", .limit("sequence number"),
      { $0.logs[1].lastSequence.rawValue = 1 << 56 }
    ),
    ("level too deep", .limit("level"), { $0.segments[4].level = 16 }),
    ("segment too small", .value("segment size"), { $0.segments[0].size = 63 }),
    ("keys swapped", .order, { $0.segments[4].largestKey = [0, 0, 0, 1] }),
    ("sequences swapped", .order, { $0.segments[4].smallestSequence.rawValue = 11 }),
    ("no entries", .value("entry count"), { $0.segments[0].entryCount = 0 }),
    ("more deletes than entries", .value("entry count"), { $0.segments[0].deleteCount = 501 }),
    ("no keys", .value("entry count"), { $0.segments[0].keyCount = 0 }),
    ("more keys than entries", .value("entry count"), { $0.segments[0].keyCount = 501 }),
    ("more expiring than there are", .value("expiry"), { $0.segments[4].expiringCount = 501 }),
    ("expiries of no entry", .value("expiry"), { $0.segments[4].expiringCount = 0 }),
    ("expiring at no time", .value("expiry"), { $0.segments[0].expiringCount = 1 }),
    ("expiries swapped", .value("expiry"), { $0.segments[4].earliestExpiry = 100 }),
    ("only one expiry", .value("expiry"), { $0.segments[4].earliestExpiry = 0 }),
    ("key too short", .value("key length"), { $0.segments[0].smallestKey = [0, 0, 1] }),
    (
      "key too long", .limit("key length"),
      { $0.segments[0].largestKey = [UInt8](repeating: 1, count: 65_540) }
    ),
    ("references out of order", .order, { $0.segments[4].valueReferences.swapAt(0, 1) }),
    (
      "reference to nothing", .value("value reference"),
      { $0.segments[4].valueReferences[0].count = 0 }
    ),
    ("digest of another size", .value("digest"), { $0.segments[3].digest.append(1) }),
    ("value file too small", .value("value file size"), { $0.valueFiles[1].size = 63 }),
    (
      "more value bytes than bytes", .value("value file size"), { $0.valueFiles[1].valueBytes = 65 }
    ),
  ]

  @Test func eachFlawOfARecordIsRefused() {
    for (name, fault, change) in Self.flawedRecords {
      var manifest = Manifest.sample
      change(&manifest)
      do {
        _ = try Manifest(file: manifest.encoded())
        Issue.record("\(name) was overlooked")
      } catch {
        #expect(error.fault == fault, "\(name)")
        #expect(error.structure == .manifest, "\(name)")
        #expect(error.offset > 72, "\(name)")
      }
    }
  }
}
