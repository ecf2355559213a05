import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Makes the files of the vectors: good ones by the writer, bad ones by hand.
enum ValueVectorMaker {
  struct File {
    var name: String
    var note: String
    var bytes: [UInt8]
    /// False where a codec library's version decides the bytes.
    var isPortable = true
  }

  private static let id = ValueFixture.id

  static func good() throws -> [File] {
    let text = Array("layer upon layer upon layer upon layer upon layer of silt and clay. ".utf8)
    let long = text + text + text
    return [
      File(name: "empty", note: "header and end record", bytes: try sealed([])),
      File(
        name: "raw", note: "three raw values, one of them empty; 8-byte alignment",
        bytes: try sealed([Array("varve".utf8), [], [UInt8](0..<40)])),
      File(
        name: "aligned", note: "raw values at multiples of 64",
        bytes: try sealed([[UInt8](0..<16), [1, 2, 3]], alignmentShift: 6)),
      File(
        name: "lz4", note: "an LZ4 block",
        bytes: try sealed([long], compression: .lz4), isPortable: false),
      File(
        name: "zstd", note: "a Zstandard frame",
        bytes: try sealed([long], compression: .zstd(level: 3)), isPortable: false),
      File(
        name: "gap", note: "what a failed write left is passed over, whatever it holds",
        bytes: raw { builder in
          builder.value([7, 7, 7])
          builder.gap([0xde, 0xad, 0xbe, 0xef, 0x01])
          builder.value(Array("after".utf8))
          builder.end()
        }),
    ]
  }

  static func bad() throws -> [File] {
    let whole = try sealed([[1, 2, 3, 4, 5], [UInt8](0..<20)])
    func changed(_ name: String, _ note: String, _ offset: Int, _ mask: UInt8) -> File {
      var bytes = whole
      bytes[offset] ^= mask
      return File(name: name, note: note, bytes: bytes)
    }
    func built(_ name: String, _ note: String, _ body: (inout ValueFileBuilder) -> Void) -> File {
      File(name: name, note: note, bytes: raw(body))
    }
    return [
      changed("header-bit", "a bit of the file header", 33, 1),
      changed("record-bit", "a bit of a record header", 72, 0x10),
      changed("value-bit", "a bit of a value", 98, 0x80),
      changed("padding-bit", "a byte behind a value that is not zero", 102, 1),
      changed("end-bit", "a bit of the end record", whole.count - 20, 1),
      File(name: "cut", note: "the end record is missing", bytes: Array(whole.dropLast(32))),
      File(name: "cut-in-header", note: "cut in a header", bytes: Array(whole.prefix(90))),
      File(name: "excess", note: "a byte behind the end record", bytes: whole + [0]),
      built("type-unknown", "a record type of the future") { $0.record(type: 9) },
      built("type-zero", "zeros where a record must begin") { $0.bytes += zeros(64) },
      built("codec-unknown", "codec 3") { $0.record(type: 1, codec: 3) },
      built("alignment", "alignment 2") { $0.record(type: 1, alignment: 2) },
      built("lengths-differ", "a raw value whose lengths differ") {
        $0.record(type: 1, first: 4, second: 5)
      },
      built("length-huge", "a value above 1 GiB") {
        $0.record(type: 1, first: 1 << 31, second: 1 << 31)
      },
      built("length-beyond", "a value that does not fit in the file") {
        $0.record(type: 1, first: 1000, second: 1000)
      },
      built("gap-beyond", "a gap that does not fit in the file") {
        $0.record(type: 2, first: .max)
      },
      built("place", "a header 8 bytes behind its place") {
        $0.bytes += zeros(8)
        $0.value([1])
        $0.end()
      },
      built("counts", "an end record that counts one value too many") {
        $0.value([1])
        $0.counts.values += 1
        $0.end()
      },
      built("lz4-garbage", "bytes that are no LZ4 block, under right checksums") {
        $0.value([0xff, 0xff, 0xff, 0xff], codec: .lz4, fullCount: 100)
        $0.end()
      },
      built("zstd-garbage", "bytes that are no Zstandard frame, under right checksums") {
        $0.value([0xff, 0xff, 0xff, 0xff], codec: .zstd, fullCount: 100)
        $0.end()
      },
    ]
  }

  private static func sealed(
    _ values: [[UInt8]], alignmentShift: UInt8 = 3, compression: Compression = .none
  ) throws -> [UInt8] {
    let directory = try SimulatedFileSystem().openDirectory(at: "store", create: true)
    _ = try ValueFixture.write(
      values, in: directory, alignmentShift: alignmentShift, compression: compression)
    return try readAll("values-0000000000000007", in: directory)
  }

  private static func raw(_ body: (inout ValueFileBuilder) -> Void) -> [UInt8] {
    var builder = ValueFileBuilder(id: id)
    body(&builder)
    return builder.bytes
  }
}

/// Writes value files from the text of the spec alone, and breaks its rules where it is told to.
struct ValueFileBuilder {
  let id: FileID
  var bytes: [UInt8]
  var counts = ValueFileCounts()

  init(id: FileID) {
    self.id = id
    bytes = FileHeader(.values, identity: id).encoded()
  }

  /// Any record header with right checksums, at the next multiple of 8.
  mutating func record(
    type: UInt8, codec: UInt8 = 0, alignment: UInt8? = nil, checksum: UInt32 = 0,
    first: UInt64 = 0, second: UInt64 = 0
  ) {
    bytes += zeros((8 - bytes.count % 8) % 8)
    var writer = ByteWriter()
    writer.uint8(type)
    writer.uint8(codec)
    writer.uint8(alignment ?? (type == 1 ? 3 : 0))
    writer.uint8(0)
    writer.uint32(checksum)
    writer.uint64(first)
    writer.uint64(second)
    writer.uint32(0)
    writer.uint32(sum(writer.bytes, at: bytes.count))
    bytes += writer.bytes
  }

  mutating func value(_ stored: [UInt8], codec: Codec = .none, fullCount: Int? = nil) {
    let header = bytes.count + (8 - bytes.count % 8) % 8
    record(
      type: 1, codec: codec.rawValue, checksum: sum(stored, at: header + 32),
      first: UInt64(stored.count), second: UInt64(fullCount ?? stored.count))
    bytes += stored
    counts.add(UInt32(stored.count))
  }

  mutating func gap(_ content: [UInt8]) {
    record(type: 2, first: UInt64(content.count))
    bytes += content
  }

  mutating func end() { record(type: 3, first: counts.values, second: counts.bytes) }

  private func sum(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    var writer = ByteWriter()
    writer.uint64(id.low)
    writer.uint64(id.high)
    writer.uint64(UInt64(offset))
    writer.append(bytes)
    return writer.bytes.withByteView(CRC32C.checksum(of:))
  }
}

private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
