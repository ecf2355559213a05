import Testing
import VarveFormat

@Suite("File header")
struct FileHeaderTests {
  static func decode(_ bytes: [UInt8], _ kind: FileName.Kind) throws(FormatError) -> FileHeader {
    try bytes.withByteView { view throws(FormatError) in
      try FileHeader(decoding: view, as: kind)
    }
  }

  static let samples = [
    FileHeader(.log, number: 7, identity: FileID(low: 3, high: 0), storeTag: 9),
    FileHeader(.manifest, number: 8, identity: FileID(low: 3, high: 4), storeTag: 3),
    FileHeader(.segment, identity: FileID(low: .max, high: 1)),
    FileHeader(.values, identity: FileID(low: 1, high: .max)),
  ]

  static func signed(_ header: FileHeader, _ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes = header.encoded()
    change(&bytes)
    bytes.set(Array(bytes.prefix(60)).withByteView(CRC32C.checksum(of:)), at: 60)
    return bytes
  }

  @Test func aHeaderReadsBackWhateverFollowsIt() throws {
    for header in Self.samples {
      #expect(header.encoded().count == 64)
      #expect(try Self.decode(header.encoded(), header.kind) == header)
      #expect(try Self.decode(header.encoded() + [1, 2, 3], header.kind) == header)
    }
  }

  @Test func aHeaderOfAnotherKindIsRefused() {
    for header in Self.samples {
      for kind in FileName.Kind.allCases where kind != header.kind {
        #expect(throws: FormatError(.fileHeader, .magic, at: 0)) {
          try Self.decode(header.encoded(), kind)
        }
      }
    }
  }

  @Test func everyFlippedBitAndEveryTruncationIsRefused() {
    for header in Self.samples {
      let bytes = header.encoded()
      for bit in 0..<512 where (try? Self.decode(bytes.flippingBit(bit), header.kind)) != nil {
        Issue.record("bit \(bit) was overlooked")
      }
      for length in 0..<64 {
        let place = UInt64(length < 8 ? 0 : length)
        #expect(throws: FormatError(.fileHeader, .truncated, at: place)) {
          try Self.decode(Array(bytes.prefix(length)), header.kind)
        }
      }
    }
  }

  @Test(
    arguments: [
      ("newer version", 8, 1, .version(1)),
      ("other header length", 10, 65, .value("header length")),
      ("incompatible flag", 15, 0x80, .features(0x8000_0000)),
      ("reserved byte", 59, 1, .value("reserved bytes")),
      ("high half of a salt", 40, 1, .value("identity")),
    ] as [(String, Int, UInt8, FormatError.Fault)])
  func whatThisReaderDoesNotKnowIsRefused(
    _ name: String, _ place: Int, _ value: UInt8, _ fault: FormatError.Fault
  ) {
    let bytes = Self.signed(Self.samples[0]) { $0[place] = value }
    do {
      _ = try Self.decode(bytes, .log)
      Issue.record("\(name) was overlooked")
    } catch {
      #expect(error.fault == fault)
    }
  }

  @Test func fieldsThatAKindDoesNotUseMustBeZero() {
    for header in Self.samples.suffix(2) {
      for (place, what) in [(24, "file number"), (48, "store tag")] {
        let bytes = Self.signed(header) { $0[place] = 1 }
        #expect(throws: FormatError(.fileHeader, .value(what), at: UInt64(place))) {
          try Self.decode(bytes, header.kind)
        }
      }
    }
  }

  @Test func compatibleFlagsAreHandedOn() throws {
    let bytes = Self.signed(Self.samples[0]) {
      $0[16] = 2
      $0[23] = 4
    }
    let header = try Self.decode(bytes, .log)
    #expect(header.readCompatibleFlags == 2)
    #expect(header.compatibleFlags == 0x0400_0000)
  }

  @Test func kindsAreRecognisedByTheirFirstBytes() {
    for header in Self.samples {
      #expect(header.encoded().withByteView(FileName.Kind.recognise) == header.kind)
    }
    #expect(Array("VarveLo".utf8).withByteView(FileName.Kind.recognise) == nil)
    #expect(Array("SQLite format 3".utf8).withByteView(FileName.Kind.recognise) == nil)
  }
}

@Suite("File names")
struct FileNameTests {
  @Test func namesReadBackAsTheyWereWritten() {
    for kind in FileName.Kind.allCases {
      for number in [0, 1, 0xabcdef, (1 << 56) - 1] as [UInt64] {
        let name = FileName(kind, number)
        #expect(FileName(parsing: name.description) == name)
        #expect(name.description.utf8.count == kind.rawValue.utf8.count + 17)
      }
    }
    #expect(FileName(.log, 0xa4).description == "log-00000000000000a4")
  }

  @Test(arguments: [
    "", "-", "log", "log-", "log-0", "log-000000000000000", "log-00000000000000000",
    "log-00000000000000A4", "log-00000000000000g4", "Log-00000000000000a4",
    "xlog-00000000000000a4", "log-00000000000000a4 ", " log-00000000000000a4",
    "log-00000000000000a4.new", "log--0000000000000a4", "log-00000000-000000a4",
    "log_00000000000000a4", "lock-00000000000000a4", "lock", "../log-00000000000000a4",
    "log-+0000000000000a4", "log-00000000000000a\u{0}", "log-0000000000000\u{e9}", ".DS_Store",
    "._log-00000000000000a4", "segment-18446744073709551616",
    "segment-0100000000000000", "log-ffffffffffffffff", "manifest-0100000000000001",
  ])
  func anythingElseIsNotAName(_ name: String) {
    #expect(FileName(parsing: name) == nil)
  }
}
