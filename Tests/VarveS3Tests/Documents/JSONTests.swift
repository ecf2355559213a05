import Testing

@testable import VarveS3

@Suite struct JSONTests {
  private static let document = """
     {"Version": 1, "a" : "b\\n\\u00e9\\ud83d\\ude00\\/\\"", "n":null,"t":[true,false,{"a":"inner"},[]],
      "o": {"AccessKeyId":"no", "x":{}}, "f": -1.5e+3, "e":""}

    """

  @Test func membersThatAreTextsAreFound() throws {
    let fields = try #require(JSONFields(Array(Self.document.utf8)))
    #expect(fields["Version"] == "1" && fields["f"] == "-1.5e+3" && fields["e"] == "")
    #expect(fields["a"] == "b\né\u{1f600}/\"")
    #expect(fields["n"] == nil && fields["t"] == nil && fields["o"] == nil)
    #expect(fields["AccessKeyId"] == nil)
  }

  @Test func whatIsNotWholeIsNothing() {
    let bytes = Array(Self.document.utf8)
    for count in 0..<(bytes.count - 2) {
      #expect(JSONFields(Array(bytes[..<count])) == nil, "the first \(count) bytes")
    }
  }

  @Test(arguments: [
    "", "[]", "\"a\"", "{", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":tru}",
    "{\"a\":\"\\x\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\u{1}\"}",
    "{\"a\":--1}",
    "{\"a\":\"b\" \"c\":1}", "{\"a\":01x}", "{\"a\":-inf}", "{\"a\":-nan}", "{\"a\":01}",
    "{\"a\":1.}", "{\"a\":-.5}", "{\"a\":0x1}", "{\"a\":1e}", "{\"a\":1e+}", "{\"a\":-}",
  ])
  func whatIsNoObjectIsNone(_ text: String) { #expect(JSONFields(Array(text.utf8)) == nil) }

  @Test func depthIsLimited() {
    let deep = String(repeating: "[", count: 200_000)
    #expect(JSONFields(Array("{\"a\":\(deep)".utf8)) == nil)
    #expect(JSONFields(Array("{\"a\":[[[{\"b\":[]}]]]}".utf8)) != nil)
  }

  @Test func noBytesTrap() {
    let valid = Array(Self.document.utf8)
    let random = FakeRandom()
    for _ in 0..<3000 {
      var bytes = valid
      for _ in 0...(random.next() % 3) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
          truncatingIfNeeded: random.next() >> 32)
      }
      _ = JSONFields(bytes)
    }
  }
}
