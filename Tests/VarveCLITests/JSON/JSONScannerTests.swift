import Testing

@testable import VarveCLI

/// Reads one line that holds one value, and gives its exact text.
private func exactText(_ text: [UInt8], pieceBytes: Int = 1 << 20) throws -> [UInt8] {
  var scanner = JSONScanner(MemorySource(text, pieceBytes: pieceBytes))
  var output: [UInt8] = []
  _ = try scanner.next()
  try scanner.value(into: &output, limit: 1 << 20)
  try scanner.endRecord()
  return output
}

private func decoded(_ text: String, pieceBytes: Int = 1 << 20) throws -> [UInt8] {
  var scanner = JSONScanner(MemorySource(text, pieceBytes: pieceBytes))
  var output: [UInt8] = []
  try scanner.string(.decoded, into: &output, limit: 1 << 20)
  return output
}

@Suite("JSON scanner")
struct JSONScannerTests {
  static let valid = [
    "0", "-0", "1", "-12", "0.5", "1e5", "1E+5", "-1.25e-10", "123456789012345678901234567890",
    "true", "false", "null", "\"\"", "\"a\"", "[]", "{}", "[ ]", "{ }", "[1,2]", "[1 , [2,\t3]]",
    #"{"a":1}"#, #"{"a" : {"b" : [ ]} , "a":2}"#, #""\" \\ \/ \b\f\n\r\t""#, #""\u0041\u00e9""#,
    #""\ud83d\ude00""#, #""\uD83D\uDE00""#, "\"é€😀\"", "\"\u{7f}\"", "\"\u{10ffff}\"",
    #"{"":""}"#, #"["\u0000"]"#, "\"\u{feff}\"",
  ]

  @Test("keeps the exact text of every valid value, wherever the input is cut", arguments: valid)
  func keepsExactText(_ text: String) throws {
    let bytes = Array(text.utf8)
    for pieceBytes in 1...(bytes.count + 1) {
      #expect(try exactText(bytes, pieceBytes: pieceBytes) == bytes, "pieces of \(pieceBytes)")
    }
  }

  static let invalid: [(text: String, column: UInt64)] = [
    ("", 1), ("tru", 4), ("True", 1), ("nul\u{6c}x", 5), ("01", 2), ("-", 2), ("+1", 1), ("1.", 3),
    (".5", 1), ("1e", 3), ("1e+", 4), ("0x10", 2), ("1 2", 3), ("NaN", 1), ("Infinity", 1),
    ("-Infinity", 2), ("'a'", 1), ("\"a", 3), (#""\x41""#, 2), (#""\u12""#, 6), (#""\u12g4""#, 6),
    (#""\"#, 3), ("[1", 3), ("[1,]", 4), ("[,1]", 2), ("[1 2]", 4), ("{", 2), ("{\"a\"}", 5),
    ("{\"a\":}", 6), ("{\"a\":1,}", 8), ("{a:1}", 2), ("{1:1}", 2), ("{\"a\":1", 7), ("]", 1),
    ("[1}", 3), ("{\"a\":1]", 7), ("[\"a\u{1}\"]", 4), ("\"\t\"", 2), ("// no", 1), ("[1]x", 4),
    (#""\ud800""#, 2), (#""\udc00""#, 2), (#""\ud800\u0041""#, 2), (#""a\ud83dx""#, 3),
    ("\u{feff}1", 1), ("1\u{c}", 2), ("\u{a0}1", 1),
  ]

  @Test("refuses what RFC 8259 does not allow and says the column", arguments: invalid)
  func refusesInvalid(_ text: String, _ column: UInt64) {
    let bytes = Array(text.utf8)
    for pieceBytes in 1...(bytes.count + 1) {
      let error = inputError { _ = try exactText(bytes, pieceBytes: pieceBytes) }
      #expect(error?.line == 1)
      #expect(error?.column == column, "\(error?.description ?? "no error") in \(pieceBytes)")
    }
  }

  static let notUTF8: [[UInt8]] = [
    [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80],
    [0xe2, 0x82], [0xf0, 0x8f, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80],
    [0xff], [0xe2, 0x28, 0xa1],
  ]

  @Test("refuses strings that are not UTF-8", arguments: notUTF8)
  func refusesWrongUTF8(_ bytes: [UInt8]) {
    for pieceBytes in 1...4 {
      let error = inputError { _ = try exactText([0x22] + bytes + [0x22], pieceBytes: pieceBytes) }
      #expect(error?.message == "not UTF-8")
    }
  }

  @Test("decodes every escape to UTF-8")
  func decodesEscapes() throws {
    #expect(try decoded(#""\"\\\/\b\f\n\r\t""#) == [0x22, 0x5c, 0x2f, 8, 12, 10, 13, 9])
    #expect(
      try decoded(#""\u0000\u007f\u0080\u07ff\u0800\uffff""#)
        == [0, 0x7f, 0xc2, 0x80, 0xdf, 0xbf, 0xe0, 0xa0, 0x80, 0xef, 0xbf, 0xbf])
    for pieceBytes in 1...12 {
      #expect(try decoded(#""\ud83D\uDe00""#, pieceBytes: pieceBytes) == Array("😀".utf8))
    }
  }

  @Test("nests as deep as the limit and no deeper")
  func limitsNesting() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    let limit = JSONScanner.nestingLimit
    #expect(try exactText(nested(limit)).count == 2 * limit)
    let error = inputError { _ = try exactText(nested(limit + 1)) }
    #expect(error?.column == UInt64(limit + 1))
    // A hostile line is refused long before it has used up the stack.
    #expect(inputError { _ = try exactText(nested(1_000_000)) } != nil)
  }

  @Test("stops at the limit of a value without holding the rest")
  func limitsValues() throws {
    func read(_ text: String, limit: Int) throws -> Int {
      var scanner = JSONScanner(MemorySource(text, pieceBytes: 3))
      var output: [UInt8] = []
      try scanner.string(.decoded, into: &output, limit: limit)
      return output.count
    }
    #expect(try read("\"abcde\"", limit: 5) == 5)
    #expect(inputError { _ = try read("\"abcdef\"", limit: 5) }?.message == "longer than 5 bytes")
    #expect(inputError { _ = try read("\"abcdefghijklmn\"", limit: 5) } != nil)
  }
}
