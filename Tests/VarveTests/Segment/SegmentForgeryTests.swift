import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

/// One rule broken behind checksums that hold.
struct Forgery: Sendable, CustomStringConvertible {
  var name: String
  /// The structure that a reader, or where it cannot see it the deep check, must name.
  var structure: String
  var isSeenByReaders = true
  var change: @Sendable (inout SegmentForger) -> Void

  var description: String { name }

  static let all: [Forgery] = blocks + index + sections + unseen

  private static let blocks: [Forgery] = [
    block("no entries", 0, 2, 0),
    block("more entries than bytes", 0, 2, 65_535),
    block("shared prefix beyond the block", 2, 2, 65_535),
    block("alignment too large", 4, 1, 7),
    block("alignment not that of the offset", 4, 1, 6),
    block("sequence width too large", 5, 1, 8),
    block("key width zero", 6, 1, 0),
    block("key width too large", 6, 1, 4),
    block("value width zero", 7, 1, 0),
    block("value width too large", 7, 1, 5),
    block("base sequence zero", 8, 8, 0),
    block("base sequence too large", 8, 8, 1 << 56),
    block("base sequence largest", 8, 8, .max),
    block("entry in the header", 18, 2, 3),
    block("entry beyond the block", 18, 2, 60_000),
    entry("kind unknown", 0, 9),
    entry("kind zero", 0, 0),
    entry("kind reserved", 0, 3),
    entry("kind with a stray bit", 0, 0x21),
    entry("a delete with a value", 0, 2),
    entry("a pointer of another length", 0, 4),
    entry("key beyond the block", 1, 255),
    entry("value beyond the block", 2, 255),
  ]

  private static let index: [Forgery] = [
    item("block before the first", 0, 8, 8),
    item("block behind the last", 0, 8, 1 << 40),
    item("offset largest", 0, 8, .max),
    item("stored longer than full", 8, 4, 1 << 30),
    item("full longer than the limit", 12, 4, UInt64(UInt32.max)),
    item("codec unknown", 20, 1, 3),
    item("flags unknown", 21, 1, 2),
    item("no entries", 22, 2, 0),
    item("other entry count", 22, 2, 9),
    node("no items", 0, 4, 0),
    node("more items than bytes", 0, 4, UInt64(UInt32.max)),
    node("heap too long", 4, 4, UInt64(UInt32.max)),
    node("shared prefix too long", 8, 2, 65_535),
    node("level", 10, 1, 1),
    node("reserved byte", 11, 1, 1),
    node("first number", 12, 4, 5),
    top("leaf behind the leaves", 0, 8, 1 << 40),
    top("leaf too long", 12, 4, 1 << 21),
    top("leaf with a codec", 20, 1, 1),
    top("other item count", 22, 2, 1),
  ]

  private static let sections: [Forgery] = [
    section("filter without blocks", .filter, "filter", 0, 4, 0),
    section("filter with more blocks", .filter, "filter", 0, 4, UInt64(UInt32.max)),
    section("filter without probes", .filter, "filter", 4, 1, 0),
    section("filter with many probes", .filter, "filter", 4, 1, 17),
    section("filter reserved byte", .filter, "filter", 20, 1, 1),
    section("no entries", .properties, "properties", 0, 8, 0),
    section("more deletes than entries", .properties, "properties", 8, 8, 1 << 40),
    section("sequence range", .properties, "properties", 64, 8, 1 << 55),
    section("block count", .properties, "properties", 104, 4, UInt64(UInt32.max)),
    section("key length", .properties, "properties", 128, 4, UInt64(UInt32.max)),
    section("references", .properties, "properties", 124, 4, UInt64(UInt32.max)),
    table("unknown section", 0, 2, 9),
    table("reserved bytes", 2, 2, 1),
    table("section in the header", 8, 8, 0),
    table("section beyond the file", 16, 8, .max),
    Forgery(name: "file length", structure: "footer") { $0[$0.bytes.count - 32, 8] -= 8 },
    Forgery(name: "reserved bytes of the tail", structure: "footer") {
      $0[$0.bytes.count - 16, 8] = 1
    },
    Forgery(name: "too many sections", structure: "footer") {
      $0[$0.bytes.count - 24, 4] = 65
    },
    Forgery(name: "more sections than fit", structure: "footer") {
      $0[$0.bytes.count - 24, 4] = 64
    },
    Forgery(name: "incompatible flag", structure: "file header") { $0[12, 4] = 1 },
    Forgery(name: "newer version", structure: "file header") { $0[8, 2] = 1 },
    Forgery(name: "another identity", structure: "file header") { $0[32, 8] = 1 },
  ]

  /// What costs a reader too much to see: wrong answers, but never a fault, and the deep check tells.
  private static let unseen: [Forgery] = [
    Forgery(name: "entries out of order", structure: "data block", isSeenByReaders: false) {
      let block = $0.blocks[0]
      let first = $0[block.offset + 16 + 2, 4]
      $0[block.offset + 16 + 2, 4] = $0[block.offset + 16 + 6, 4]
      $0[block.offset + 16 + 6, 4] = first
    },
    Forgery(name: "a wrong tag", structure: "data block", isSeenByReaders: false) {
      $0.bytes[$0.blocks[0].offset + 16] ^= 0xff
    },
    Forgery(name: "a wrong head", structure: "data block", isSeenByReaders: false) {
      $0.bytes[$0.blocks[0].offset + 16 + 2 + 3] ^= 0xff
    },
    Forgery(name: "an empty filter", structure: "filter", isSeenByReaders: false) {
      guard let part = $0.section(.filter) else { return }
      for at in (part.offset + 64)..<(part.offset + part.count) { $0.bytes[at] = 0 }
    },
    Forgery(name: "a wrong count", structure: "properties", isSeenByReaders: false) {
      guard let part = $0.section(.properties) else { return }
      $0[part.offset + 32, 8] += 1
    },
    Forgery(name: "blocks in another order", structure: "block index", isSeenByReaders: false) {
      for index in 0..<32 where !(20..<28).contains(index) {
        $0.bytes.swapAt($0.blocks[1].recordAt + index, $0.blocks[2].recordAt + index)
      }
    },
    Forgery(name: "a separator that is too large", structure: "block index", isSeenByReaders: false)
    {
      let leaf = $0.leaves[0].offset
      let heap = leaf + 16 + 40 * Int($0[leaf, 4]) + Int($0[leaf + 8, 2])
      $0.bytes[heap] = 0xff
    },
    Forgery(name: "a wrong number", structure: "block index", isSeenByReaders: false) {
      $0[$0.leaves[0].offset + 16, 8] -= 1
    },
    Forgery(name: "a byte between blocks", structure: "data block", isSeenByReaders: false) {
      for (block, next) in zip($0.blocks, $0.blocks.dropFirst())
      where block.range.upperBound < next.offset {
        $0.bytes[block.range.upperBound] = 1
        return
      }
    },
  ]
}

// MARK: - One field set to one value

extension Forgery {
  private static func block(_ name: String, _ at: Int, _ width: Int, _ value: UInt64) -> Forgery {
    Forgery(name: "block: \(name)", structure: "data block") {
      $0[$0.blocks[0].offset + at, width] = value
    }
  }

  /// The second entry of the first block.
  private static func entry(_ name: String, _ at: Int, _ value: UInt64) -> Forgery {
    Forgery(name: "entry: \(name)", structure: "data block") {
      let block = $0.blocks[0].offset
      let entry = block + Int($0[block + 16 + Int($0[block, 2]) + 4, 2])
      let width = at == 0 ? 0 : Int($0[block + 5, 1])
      $0[entry + at + width, 1] = value
    }
  }

  private static func item(_ name: String, _ at: Int, _ width: Int, _ value: UInt64) -> Forgery {
    Forgery(
      name: "item: \(name)", structure: name == "other entry count" ? "data block" : "block index"
    ) {
      $0[$0.blocks[1].recordAt + at, width] = value
    }
  }

  private static func node(_ name: String, _ at: Int, _ width: Int, _ value: UInt64) -> Forgery {
    Forgery(name: "leaf: \(name)", structure: "block index") {
      $0[$0.leaves[0].offset + at, width] = value
    }
  }

  private static func top(_ name: String, _ at: Int, _ width: Int, _ value: UInt64) -> Forgery {
    Forgery(name: "top: \(name)", structure: "block index") {
      $0[$0.leaves[0].recordAt + at, width] = value
    }
  }

  private static func section(
    _ name: String, _ kind: SegmentSection.Kind, _ structure: String, _ at: Int, _ width: Int,
    _ value: UInt64
  ) -> Forgery {
    Forgery(name: "section: \(name)", structure: structure) {
      guard let part = $0.section(kind) else { return }
      $0[part.offset + at, width] = value
    }
  }

  private static func table(_ name: String, _ at: Int, _ width: Int, _ value: UInt64) -> Forgery {
    Forgery(name: "table: \(name)", structure: "footer") {
      $0[$0.tableAt + 32 + at, width] = value
    }
  }
}

@Suite struct SegmentForgeryTests {
  private static func readAll(_ file: BytesFile, _ mode: ReadMode) throws {
    let segment = try SegmentFixture.open(file, mode)
    for entry in SegmentDamageTests.entries() {
      _ = try SegmentFixture.find(entry.key, entry.sequence, in: segment)
    }
    _ = try SegmentFixture.scan(segment)
    _ = try SegmentFixture.scanBackwards(segment)
  }

  @Test(arguments: Forgery.all, ReadMode.allCases)
  func aBrokenRuleIsNamedThoughTheChecksumsHold(_ forgery: Forgery, _ mode: ReadMode) throws {
    var forger = try SegmentForger(try SegmentDamageTests.file(.none).bytes)
    forger.sign()
    #expect(SegmentDamageTests.findings(BytesFile(forger.bytes)) == [])
    forgery.change(&forger)
    forger.sign()
    let file = BytesFile(forger.bytes)
    if forgery.isSeenByReaders {
      let error = #expect(throws: StoreError.self) { try Self.readAll(file, mode) }
      #expect(error?.structure == forgery.structure)
    } else {
      _ = try? Self.readAll(file, mode)
    }
    let found = SegmentDamageTests.findings(file).map(\.structure)
    #expect(found.contains(forgery.structure), "found \(found)")
  }

  /// Any bytes changed in any way, checksums right: an error or other entries, and nothing worse.
  @Test(arguments: [Compression.none, .lz4, .zstd(level: 1)])
  func noForgeryCrashesAReader(_ compression: Compression) throws {
    let seed: UInt64 = 77
    var random = SeededRandom(seed: seed)
    let sound = try SegmentForger(try SegmentDamageTests.file(compression).bytes)
    for _ in 0..<1500 {
      var forger = sound
      for _ in 0...random.below(3) { Self.mutate(&forger, &random) }
      forger.sign()
      let file = BytesFile(forger.bytes)
      for mode in ReadMode.allCases {
        do { try Self.readAll(file, mode) } catch let error as StoreError {
          if error.code != .corrupted, error.code != .incompatible {
            Issue.record("seed \(seed): \(error)")
          }
        }
      }
      _ = SegmentDamageTests.findings(file)
    }
  }

  private static func mutate(_ forger: inout SegmentForger, _ random: inout SeededRandom) {
    let width = [1, 2, 4, 8][random.below(4)]
    let values: [UInt64] = [0, 1, .max, 1 << 31, UInt64(forger.bytes.count), random.next()]
    // Half of the time inside the index and what is behind it, which is the smaller part.
    let start = random.below(2) == 0 ? 0 : forger.leaves[0].offset
    let at = start + random.below(forger.bytes.count - start - 8)
    forger[at, width] = values[random.below(values.count)]
  }

  /// One leaf over several raw blocks of 512 bytes.
  private static func smallBlocks() throws -> SegmentForger {
    let entries = (UInt8(0)..<200).map {
      OwnedEntry([0, 0, 0, 1, $0], UInt64($0) + 1, .put, value: [1, 2, 3])
    }
    var policy = SegmentBlockPolicy()
    (policy.blockBytes, policy.compression) = (512, .none)
    return try SegmentForger(
      try SegmentFixture.write(entries, policy: policy).file.bytes)
  }

  /// An item that leads to a part of another's block shows what it leads to, and not the whole block that
  /// happens to be at hand.
  @Test(arguments: ReadMode.allCases)
  func aBlockThatIsAtHandIsNotTakenForAnother(_ mode: ReadMode) throws {
    var forger = try Self.smallBlocks()
    let (whole, part) = (forger.blocks[0], forger.blocks[1].recordAt)
    forger[part, 8] = UInt64(whole.offset)
    for length in [8, 12] { forger[part + length, 4] = UInt64(whole.count - 8) }
    forger.sign()
    let segment = try SegmentFixture.open(BytesFile(forger.bytes), mode)
    #expect(code { _ = try SegmentFixture.scan(segment) } == .corrupted)
  }

  /// Where separators are forged a seek leads past entries, or before them: a walk that comes by them from the other
  /// side would show what one in this direction does not.
  @Test(arguments: ReadMode.allCases, [0, .max] as [UInt64])
  func aBlockThatNoSeekLeadsToIsDamage(_ mode: ReadMode, number: UInt64) throws {
    var forger = try Self.smallBlocks()
    let leaf = forger.leaves[0]
    let top = try #require(forger.section(.indexTop))
    // The separators' first bytes, by which they are found: of the first block, or of all.
    for item in 0..<(number == 0 ? forger.blocks.count : 1) {
      forger[leaf.offset + 16 + 8 * item, 8] = number
    }
    if number == 0 { forger[top.offset + 16, 8] = 0 }
    forger.sign()
    let segment = try SegmentFixture.open(BytesFile(forger.bytes), mode)
    let cursor = SegmentCursor(segment)
    #expect(
      code {
        try cursor.seekToFirst()
        while cursor.entry != nil { try cursor.next() }
      } == .corrupted)
    #expect(
      code {
        try cursor.seekToLast()
        while cursor.entry != nil { try cursor.previous() }
      } == .corrupted)
  }

  /// A leaf and the top agree on a first block number that lies above those of the leaf's items, and on none
  /// that another leaf has.
  @Test func blockNumbersThatDisagreeAreDamage() throws {
    var forger = try Self.smallBlocks()
    #expect(forger.leaves.count == 1 && forger.blocks.count > 4)
    var items = forger
    // One number twice: the second block would count as checked where the first one is.
    items[forger.blocks[1].recordAt + 28, 4] = 0
    items.sign()
    forger[forger.leaves[0].recordAt + 28, 4] = 1_000_000
    forger[forger.leaves[0].offset + 12, 4] = 1_000_000
    forger.sign()
    for file in [items, forger] {
      let failure = code { try Self.readAll(BytesFile(file.bytes), .mapped) }
      #expect(failure == .corrupted)
    }
  }
}
