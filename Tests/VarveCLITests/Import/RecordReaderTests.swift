import Testing

@testable import VarveCLI

private func jsonLines(_ text: String, pieceBytes: Int = 1 << 20) throws -> [ImportRecord] {
  try records(JSONLinesReader(MemorySource(text, pieceBytes: pieceBytes)))
}

private func record(
  _ key: String, _ value: String, keyspace: String? = nil, expiry: UInt64 = 0
) -> ImportRecord {
  ImportRecord(
    keyspace: keyspace, key: Array(key.utf8), value: Array(value.utf8), expiry: expiry)
}

@Suite("JSON Lines input")
struct JSONLinesReaderTests {
  @Test("takes a string as its characters and any other value as its exact text")
  func readsValues() throws {
    let text = """
      {"key": "a", "value": "x\\ny"}
      {"value": {"b" :  [1, 2.0]}, "key": "b"}

      { "key" : "c" , "value" : -1.50 }\r
      {"key":"","value":""}
      {"key_hex":"00fF","value_hex":"c328","keyspace":"k","expires":17}
      """
    for pieceBytes in [1, 2, 3, 7, 1 << 20] {
      let found = try jsonLines(text, pieceBytes: pieceBytes)
      #expect(
        found.prefix(4) == [
          record("a", "x\ny"), record("b", #"{"b" :  [1, 2.0]}"#), record("c", "-1.50"),
          record("", ""),
        ])
      #expect(
        found.dropFirst(4) == [
          ImportRecord(keyspace: "k", key: [0, 255], value: [0xc3, 0x28], expiry: 17)
        ])
    }
  }

  static let wrong: [(text: String, line: UInt64, column: UInt64, message: String)] = [
    ("[1]", 1, 1, "expected an object"), ("{}", 1, 3, "has no \"key\""),
    (#"{"key":"a"}"#, 1, 12, "has no \"value\""), (#"{"value":1}"#, 1, 12, "has no \"key\""),
    (#"{"key":"a","value":1,"key":"b"}"#, 1, 22, "a second \"key\""),
    (#"{"key":"a","key_hex":"00","value":1}"#, 1, 12, "a second \"key\""),
    (#"{"key":"a","vaule":1}"#, 1, 12, "unknown member \"vaule\""),
    (#"{"key":1,"value":1}"#, 1, 8, "expected a string"),
    (#"{"key_hex":"0","value":1}"#, 1, 12, "hexadecimal"),
    (#"{"key_hex":"zz","value":1}"#, 1, 12, "hexadecimal"),
    ("\n\n" + #"{"key":"a","value":tru}"#, 3, 23, "expected true"),
    (#"{"key":"a","value":1} {"#, 1, 23, "expected the end of the line"),
    ("{\"key\":\"a\",\n\"value\":1}", 1, 12, "expected a string, not the end of the line"),
    (#"{"key":"a","value":"x"#, 1, 22, "does not end"),
    (#"{"key":"a","keyspace":"","value":1}"#, 1, 12, "a keyspace has a name"),
    (#"{"key":"a","value":1,"expires":0}"#, 1, 32, "milliseconds since 1970"),
    (#"{"key":"a","value":1,"expires":1.5}"#, 1, 32, "milliseconds since 1970"),
  ]

  @Test("says the line and the column of what is wrong", arguments: wrong)
  func saysWhere(_ text: String, _ line: UInt64, _ column: UInt64, _ message: String) {
    for pieceBytes in [1, 5, 1 << 20] {
      let error = inputError { _ = try jsonLines(text, pieceBytes: pieceBytes) }
      #expect(error?.line == line)
      #expect(error?.column == column)
      #expect(error?.message.contains(message) == true, "\(error?.message ?? "no error")")
    }
  }

  @Test(
    "says where a text is too long, however the input is cut",
    arguments: [
      #"{"\#(String(repeating: "n", count: 400))":1}"#,
      #"{"key":"a","value":1,"expires":"\#(String(repeating: "9", count: 99))"}"#,
    ])
  func saysWhereItIsTooLong(_ text: String) {
    let whole = inputError { _ = try jsonLines(text) }
    #expect(whole?.message.contains("longer than") == true)
    for pieceBytes in [1, 3, 100, 300] {
      #expect(inputError { _ = try jsonLines(text, pieceBytes: pieceBytes) } == whole)
    }
  }

  @Test(
    "holds no part of a value that is too long",
    arguments: [
      #"{"key":"a","value":1,"expires":\#(String(repeating: "9", count: 5000))}"#,
      #"{"key":"a","value":1,"expires":[\#(String(repeating: " ", count: 5000))1]}"#,
    ])
  func holdsNoPartThatIsTooLong(_ text: String) {
    for pieceBytes in [1, 100, 10_000] {
      let error = inputError { _ = try jsonLines(text, pieceBytes: pieceBytes) }
      #expect(error?.message.contains("longer than") == true)
      #expect(error.map { $0.column < 120 } == true)
    }
  }

  @Test("refuses keys above the limit")
  func limitsKeys() throws {
    let key = String(repeating: "k", count: 65_535)
    #expect(try jsonLines(#"{"key":"\#(key)","value":1}"#).count == 1)
    #expect(inputError { _ = try jsonLines(#"{"key":"\#(key)k","value":1}"#) } != nil)
  }
}

@Suite("Tab-separated input")
struct TSVReaderTests {
  private func read(_ text: String, pieceBytes: Int) throws -> [ImportRecord] {
    try records(TSVReader(MemorySource(text, pieceBytes: pieceBytes)))
  }

  @Test("splits at the first tab and takes the rest as it stands")
  func splits() throws {
    for pieceBytes in [1, 3, 100] {
      let found = try read("a\t1\n\nb\tx\ty\\n\n\t\nlast\tline", pieceBytes: pieceBytes)
      #expect(
        found == [
          record("a", "1"), record("b", "x\ty\\n"), record("", ""), record("last", "line"),
        ])
    }
  }

  @Test("names the line that has no tab")
  func needsTab() {
    let error = inputError { _ = try read("a\t1\nb\n", pieceBytes: 2) }
    #expect(error?.line == 2)
  }
}

@Suite("Vector input")
struct VectorReaderTests {
  private func read(_ rows: [UInt8], _ keys: String, pieceBytes: Int) throws -> [ImportRecord] {
    try records(
      VectorReader(
        rows: MemorySource(rows, pieceBytes: pieceBytes),
        keys: MemorySource(keys, pieceBytes: pieceBytes), dimension: 2))
  }

  @Test("pairs each row with its key")
  func pairs() throws {
    let rows = (0..<24).map { UInt8($0) }
    for pieceBytes in [1, 5, 8, 100] {
      let found = try read(rows, "a\nb\nc\n", pieceBytes: pieceBytes)
      #expect(found.map(\.key) == [[0x61], [0x62], [0x63]])
      #expect(found.map(\.value) == [Array(0..<8), Array(8..<16), Array(16..<24)])
    }
  }

  @Test("names the row where rows and keys part")
  func namesTheRow() {
    let rows = [UInt8](repeating: 1, count: 16)
    #expect(inputError { _ = try read(rows, "a\n", pieceBytes: 3) }?.line == 2)
    #expect(inputError { _ = try read(rows, "a\nb\nc\n", pieceBytes: 3) }?.line == 3)
    #expect(inputError { _ = try read(Array(rows.dropLast()), "a\nb", pieceBytes: 3) }?.line == 2)
  }
}
