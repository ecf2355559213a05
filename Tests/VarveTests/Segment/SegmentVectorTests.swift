import Foundation
import Testing
import VarveFormat
import VarveTestSupport

@testable import Varve

/// Holds `format-spec/vectors/segment-*.json` to what this code writes and reads.
///
/// They are what a decoder in another language is tested with. A change of the format changes them:
///
/// ```
/// VARVE_WRITE_VECTORS=1 swift test --filter SegmentVector      writes them again; read the diff
/// ```
@Suite struct SegmentVectorTests {
  static let files: [(name: String, vectors: [SegmentVector])] = [
    ("segment-good", SegmentVector.good), ("segment-bad", SegmentVector.bad),
  ]

  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "format-spec/vectors")

  @Test(arguments: files.map(\.name))
  func eachVectorIsWhatThisCodeWritesAndReads(_ name: String) throws {
    let vectors = try #require(Self.files.first { $0.name == name }).vectors
    let written = try vectors.map { vector in
      let (accepted, expected) = try vector.outcome()
      #expect(accepted == vector.isGood, "\(vector.name)")
      return vector.json(expected)
    }
    let text = JSON.list(written).written() + "\n"
    let file = Self.folder.appending(path: "\(name).json")
    if ProcessInfo.processInfo.environment["VARVE_WRITE_VECTORS"] != nil {
      try Data(text.utf8).write(to: file)
    }
    let stored = try String(contentsOf: file, encoding: .utf8)
    #expect(stored == text, "\(name).json differs: see SegmentVectorTests")
  }

  @Test func theDeepCheckAgrees() throws {
    for (_, vectors) in Self.files {
      for vector in vectors {
        let findings = SegmentDamageTests.findings(BytesFile(try vector.bytes()))
        #expect(findings.isEmpty == vector.isGood, "\(vector.name): \(findings)")
      }
    }
  }
}

/// A small segment and what a reader makes of it.
struct SegmentVector: Sendable {
  var name: String
  var note: String
  var isGood: Bool
  var bytes: @Sendable () throws -> [UInt8]

  /// Opens the segment and scans it from first to last: the entries, or nil and the first error.
  func outcome() throws -> (accepted: Bool, json: JSON) {
    do {
      let segment = try SegmentFixture.open(BytesFile(try bytes()), .mapped)
      let entries = try SegmentFixture.scan(segment).map(\.json)
      return (true, .object([("entries", .list(entries))]))
    } catch let error as StoreError {
      let members: [(String, JSON)] = [
        ("structure", .text(error.structure ?? "")), ("offset", .number(error.offset ?? 0)),
      ]
      return (false, .object([("error", .object(members))]))
    }
  }

  func json(_ expected: JSON) -> JSON {
    let id = SegmentFixture.id
    guard let bytes = try? bytes() else { return .nothing }
    return .object([
      ("kind", "segment"), ("name", .text(name)), ("note", .text(note)),
      ("id", [.number(id.low), .number(id.high)]), ("hex", .hex(bytes)), ("expect", expected),
    ])
  }
}

extension OwnedEntry {
  fileprivate var json: JSON {
    .object([
      ("key", .hex(key)), ("sequence", .number(sequence)), ("kind", .text("\(kind)")),
      ("expiry", .number(expiry)), ("value", .hex(value)),
    ])
  }
}

// MARK: - Good ones

extension SegmentVector {
  private init(
    _ name: String, _ note: String, options: SegmentOptions = SegmentOptions(),
    policy: SegmentBlockPolicy = SegmentBlockPolicy(compression: .none),
    _ entries: @escaping @Sendable () -> [OwnedEntry]
  ) {
    self.init(name: name, note: note, isGood: true) {
      try SegmentFixture.write(entries(), options: options, policy: policy).file.bytes
    }
  }

  static let good: [SegmentVector] = [
    SegmentVector("one entry", "the smallest: one block, one leaf") {
      [OwnedEntry([0, 0, 0, 1, 107], 1, value: [118])]
    },
    SegmentVector("empty key and value", "the engine key is the keyspace number alone") {
      [OwnedEntry([0, 0, 0, 1], 1)]
    },
    SegmentVector("every kind", "puts, deletes and pointers, with and without expiry", everyKind),
    SegmentVector("no filter", "", options: SegmentOptions(filterBitsPerKey: 0), everyKind),
    SegmentVector(
      "many blocks", "blocks of up to 100 bytes, several leaves; versions of one key on both sides",
      options: SegmentOptions(indexLeafBytes: 512),
      policy: SegmentBlockPolicy(blockBytes: 100, compression: .none), versions),
    SegmentVector(
      "aligned", "values at multiples of 64",
      policy: SegmentBlockPolicy(blockBytes: 600, alignmentShift: 6, compression: .none), everyKind),
    SegmentVector(
      "lz4", "", policy: SegmentBlockPolicy(blockBytes: 700, compression: .lz4), repetitive),
    SegmentVector(
      "zstd", "", policy: SegmentBlockPolicy(blockBytes: 700, compression: .zstd(level: 3)),
      repetitive),
    SegmentVector(
      name: "unknown section", note: "its type has the bit 0x8000, so a reader passes over it",
      isGood: true
    ) { try withSection(0x8009) },
  ]

  private static let everyKind: @Sendable () -> [OwnedEntry] = {
    var pointer = ByteWriter()
    ValuePointer(
      file: 3, offset: 4096, storedCount: 700, fullCount: 1000, checksum: 0x0102_0304, codec: .lz4
    ).encode(to: &pointer)
    return [
      OwnedEntry([0, 0, 0, 1] + Array("bash".utf8), 12, value: Array("shell".utf8)),
      OwnedEntry([0, 0, 0, 1] + Array("bash".utf8), 4, .delete),
      OwnedEntry([0, 0, 0, 1] + Array("csh".utf8), 1 << 40, .delete, expiry: 1),
      OwnedEntry(
        [0, 0, 0, 1] + Array("fish".utf8), 9, expiry: 1_700_000_000_000,
        value: [UInt8](repeating: 255, count: 300)),
      OwnedEntry([0, 0, 0, 1] + Array("zsh".utf8), 7, .pointer, value: pointer.bytes),
      OwnedEntry([0, 0, 2, 0], 8, .pointer, expiry: .max, value: pointer.bytes),
    ]
  }

  /// Three blocks of two entries each.
  private static let plain: @Sendable () -> [OwnedEntry] = {
    (0..<6).map {
      OwnedEntry(
        [0, 0, 0, 1] + Array("key \($0)".utf8), UInt64(50 + $0), value: Array("value".utf8))
    }
  }

  private static let versions: @Sendable () -> [OwnedEntry] = {
    (0..<40).map { number in
      OwnedEntry(
        [0, 0, 0, 1] + Array("key \(10 + (number / 15) * 15)".utf8), UInt64(200 - number),
        value: Array("version \(number)".utf8))
    } + (60..<80).map { OwnedEntry([0, 0, 0, 1] + Array("key \($0)".utf8), 3, value: [1, 2]) }
  }

  private static let repetitive: @Sendable () -> [OwnedEntry] = {
    (10..<30).map {
      OwnedEntry(
        [0, 0, 0, 1] + Array("page \($0)".utf8), UInt64($0),
        value: Array(String(repeating: "layer upon layer, ", count: 3).utf8))
    }
  }

  /// A segment with a sixth section, of eight bytes, before the footer.
  private static func withSection(_ type: UInt16) throws -> [UInt8] {
    let sound = try SegmentFixture.write(
      [OwnedEntry([0, 0, 0, 1, 107], 1, value: [118])],
      policy: SegmentBlockPolicy(compression: .none)
    ).file.bytes
    var footer = try sound.withByteView {
      try SegmentFooter(
        decoding: $0.dropping($0.count - SegmentFooter.maximumByteCount),
        fileSize: UInt64(sound.count), id: SegmentFixture.id)
    }
    let start = sound.count - 32 - 32 * footer.sections.count
    let content: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    var section = SegmentSection(
      .properties,
      checksum: content.withByteView {
        CRC32C.checksum(of: $0, in: SegmentFixture.id, at: UInt64(start))
      }, offset: UInt64(start), length: 8)
    section.type = type
    footer.sections.append(section)
    return sound[..<start] + content
      + footer.encoded(at: UInt64(start + 8), id: SegmentFixture.id)
  }
}

// MARK: - Bad ones

extension SegmentVector {
  private init(
    bad name: String, _ note: String, signed: Bool = true,
    _ change: @escaping @Sendable (inout SegmentForger) -> Void
  ) {
    self.init(name: name, note: note, isGood: false) {
      let sound = try SegmentFixture.write(
        Self.plain(), policy: SegmentBlockPolicy(blockBytes: 100, compression: .none)
      ).file.bytes
      var forger = try SegmentForger(sound)
      change(&forger)
      if signed { forger.sign() }
      return forger.bytes
    }
  }

  static let bad: [SegmentVector] = damaged + forged

  private static let damaged: [SegmentVector] = [
    SegmentVector(bad: "header bit", "", signed: false) { $0.bytes[40] ^= 4 },
    SegmentVector(bad: "magic of a log", "", signed: false) {
      $0.bytes.replaceSubrange(0..<8, with: Array("VarveLog".utf8))
    },
    SegmentVector(bad: "block bit", "", signed: false) { $0.bytes[$0.blocks[0].offset + 20] ^= 1 },
    SegmentVector(bad: "block of another place", "the second block over the first", signed: false) {
      let (first, second) = ($0.blocks[0], $0.blocks[1])
      let count = min(first.count, second.count)
      $0.bytes.replaceSubrange(
        first.offset..<(first.offset + count),
        with: $0.bytes[second.offset..<(second.offset + count)])
    },
    SegmentVector(bad: "leaf bit", "", signed: false) { $0.bytes[$0.leaves[0].offset + 30] ^= 16 },
    SegmentVector(bad: "top bit", "", signed: false) {
      $0.bytes[($0.section(.indexTop)?.offset ?? 0) + 30] ^= 16
    },
    SegmentVector(bad: "properties bit", "", signed: false) {
      $0.bytes[$0.section(.properties)?.offset ?? 0] ^= 2
    },
    SegmentVector(bad: "section table bit", "", signed: false) { $0.bytes[$0.tableAt + 9] ^= 1 },
    SegmentVector(bad: "tail bit", "", signed: false) { $0.bytes[$0.bytes.count - 20] ^= 1 },
    SegmentVector(bad: "cut by one byte", "", signed: false) { $0.bytes.removeLast() },
    SegmentVector(bad: "one byte more", "", signed: false) { $0.bytes.append(0) },
    SegmentVector(bad: "cut to the header", "", signed: false) {
      $0.bytes.removeLast($0.bytes.count - 64)
    },
    SegmentVector(bad: "no bytes", "", signed: false) { $0.bytes = [] },
  ]

  private static let forged: [SegmentVector] =
    Forgery.all.filter { forgery in
      // What only a point read meets, a scan does not; what no reader sees has no error to name.
      forgery.isSeenByReaders && forgery.structure != "filter"
    }.map { forgery in
      SegmentVector(name: forgery.name, note: "checksums hold; a rule is broken", isGood: false) {
        var forger = try SegmentForger(
          try SegmentFixture.write(
            Self.plain(),
            policy: SegmentBlockPolicy(blockBytes: 100, alignmentShift: 3, compression: .none)
          ).file.bytes)
        forgery.change(&forger)
        forger.sign()
        return forger.bytes
      }
    }
}
