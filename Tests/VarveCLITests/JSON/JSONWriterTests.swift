import Testing

@testable import VarveCLI

@Suite("JSON writer")
struct JSONWriterTests {
  @Test("separates members and elements with commas by itself")
  func separates() {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("a", 1)
      writer.name("b")
      writer.array { writer in
        writer.number(2)
        writer.object { _ in }
        writer.null()
        writer.number(1.5, places: 2)
        writer.number(.infinity)
      }
      writer.member("c", true)
      writer.member("d", bytes: [0x61, 0xff].span)
      writer.member("e", bytes: [0x61].span)
      writer.member("e", bytes: [0x61].span, asHex: true)
    }
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == #"{"a":1,"b":[2,{},null,1.50,null],"c":true,"d_hex":"61ff","e":"a","e_hex":"61"}"#)
  }

  @Test("writes strings that the scanner reads back, for every character below 256 and more")
  func roundTrips() throws {
    var text = String(String.UnicodeScalarView((0..<256).map { Unicode.Scalar(UInt8($0)) }))
    text += "€😀\u{2028}\u{10ffff}"
    var quoted: [UInt8] = []
    JSONWriter.appendQuoted(text.utf8.span, to: &quoted)
    #expect(!quoted.contains { $0 < 0x20 })
    var scanner = JSONScanner(MemorySource(quoted))
    var output: [UInt8] = []
    try scanner.string(.decoded, into: &output, limit: 10_000)
    #expect(output == Array(text.utf8))
  }
}
