import Testing

@testable import VarveCLI

@Suite("Text of bytes and numbers")
struct TextTests {
  @Test(
    "escapes what is not plain text, and nothing else",
    arguments: [
      ([0x61, 0x20, 0xc3, 0xa9], "a é"), ([0x5c], #"\\"#), ([9, 10, 13], #"\t\n\r"#),
      ([0, 0x1b, 0x7f], #"\x00\x1b\x7f"#), ([0xff, 0x61], #"\xffa"#), ([0xc3], #"\xc3"#),
      ([0xe2, 0x82, 0xac], "€"), ([0xe2, 0x82], #"\xe2\x82"#),
      ([0xed, 0xa0, 0x80], #"\xed\xa0\x80"#),
      ([0xc2, 0x9b], #"\xc2\x9b"#), ([0xf0, 0x9f, 0x98, 0x80], "😀"), ([], ""),
      ([0xf4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#),
    ] as [([UInt8], String)])
  func escapes(_ bytes: [UInt8], _ text: String) {
    #expect(EscapedText.text(bytes) == text)
  }

  @Test("spells bytes in hexadecimal and back")
  func hexadecimal() {
    let all = (0...255).map { UInt8($0) }
    #expect(Hexadecimal.parse(Hexadecimal.text(all).utf8) == all)
    #expect(Hexadecimal.parse("00FFab".utf8) == [0, 255, 0xab])
    #expect(Hexadecimal.parse("".utf8) == [])
    for wrong in ["0", "0g", "0x00", " 00", "000"] { #expect(Hexadecimal.parse(wrong.utf8) == nil) }
    #expect(Hexadecimal.number(255, width: 4) == "0x00ff")
  }

  @Test("reads sizes as people write them, and nothing else")
  func sizes() {
    #expect(
      ["0", "512", "64K", "256M", "2G"].map { Quantity.parseBytes($0) }
        == [0, 512, 64 << 10, 256 << 20, 2 << 30])
    for wrong in ["", "K", "-1", "1.5G", "1k", "1 K", "9223372036854775808", "9007199254740992K"] {
      #expect(Quantity.parseBytes(wrong) == nil, "\(wrong)")
    }
  }

  @Test("writes quantities as people read them")
  func quantities() {
    #expect(
      [0, 999, 1000, 1_234_567].map { Quantity.grouped($0) } == ["0", "999", "1,000", "1,234,567"])
    #expect(
      [0, 1023, 1024, 1536, 1_048_570, 1 << 20, .max].map { Quantity.bytes($0) }
        == ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "16.0 EiB"])
    #expect(
      [0.004, 9.99, 12.34, 59.94, 59.99, 185, 7385].map { Quantity.duration($0) }
        == ["0.00 s", "9.99 s", "12.3 s", "59.9 s", "1:00", "3:05", "2:03:05"])
    #expect(
      [0, 12.4, 999.6, 12_500, 3_100_000].map { Quantity.compact($0) }
        == ["0", "12", "1.0 k", "12.5 k", "3.1 M"])
    #expect(Quantity.decimal(-1.255, places: 1) == "-1.3")
    #expect(Quantity.decimal(.nan, places: 1) == "-")
    #expect(Quantity.duration(.infinity) == "99999:59:59")
  }
}
