import VarveFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@testable import VarveCLI

extension FuzzTarget {
  /// One file of a store, of any kind, or object of a bucket, as `varve dump` shows it: as text and as JSON.
  static let dump = FuzzTarget(
    "dump", upTo: 16 << 10,
    sign: {
      guard $0.bytes.withByteView(ObjectFrame.begins) else {
        return $0.sign(as: $0.bytes.withByteView(FileName.Kind.recognise) ?? .log)
      }
      $0.signObject()
    },
    read: { bytes in
      let text = try dumped(bytes, DumpWriter.Detail(entries: true))
      for line in text.split(separator: 0x0a) {
        promise(line.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "a dump steers the terminal")
        promise(UTF8Form.isValid(line.span), "a dump is not UTF-8")
      }
      let asHex = bytes.count % 2 == 1
      try checkJSON(try dumped(bytes, DumpWriter.Detail(entries: true, asJSON: true, asHex: asHex)))
    })

  /// Where lines go that are too many to be looked at.
  private static let nowhere = unsafe open("/dev/null", O_WRONLY)

  private static func dumped(_ bytes: ByteView, _ detail: DumpWriter.Detail) throws -> [UInt8] {
    let output = Output(
      descriptor: nowhere, isTerminal: false, style: .plain, threshold: 1 << 19)
    try FileDump(writer: DumpWriter(output, detail)).run(bytes, name: "log-0000000000000001")
    var text: [UInt8] = []
    try output.append { buffer in
      text = buffer
      buffer = []
    }
    return text
  }

  /// Each line is one JSON object.
  private static func checkJSON(_ text: [UInt8]) throws {
    var scanner = JSONScanner(MemorySource(text, pieceBytes: 4096))
    var value: [UInt8] = []
    while try scanner.seekRecord() {
      promise(try scanner.next() == UInt8(ascii: "{"), "a line that is no object")
      value.removeAll(keepingCapacity: true)
      try scanner.value(into: &value, limit: text.count)
      try scanner.endRecord()
    }
  }
}

/// Input from memory, in pieces of a chosen size.
struct MemorySource: ChunkSource {
  private var rest: ArraySlice<UInt8>
  private let pieceBytes: Int

  init(_ bytes: [UInt8], pieceBytes: Int) {
    rest = bytes[...]
    self.pieceBytes = pieceBytes
  }

  mutating func next(into chunk: inout [UInt8]) throws {
    chunk = Array(rest.prefix(pieceBytes))
    rest = rest.dropFirst(pieceBytes)
  }
}
