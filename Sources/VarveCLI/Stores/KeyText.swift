/// Keys and values as the command line gives them.
enum KeyText {
  /// The bytes that an argument stands for: its UTF-8, or what its digits spell.
  static func bytes(_ text: String, isHex: Bool, _ what: String) throws(UsageError) -> [UInt8] {
    guard isHex else { return Array(text.utf8) }
    guard let bytes = Hexadecimal.parse(Array(text.utf8)) else {
      throw UsageError("\(what) is not an even number of hexadecimal digits: '\(text)'")
    }
    return bytes
  }
}

extension Output {
  /// One entry as a line of JSON.
  func write(
    entry key: Span<UInt8>, _ value: Span<UInt8>, showsValue: Bool = true,
    expiry: UInt64? = nil, keyspace: String? = nil, asHex: Bool = false
  ) throws {
    try append { buffer in
      buffer.append(UInt8(ascii: "{"))
      if let keyspace {
        JSONWriter.appendMember("keyspace", keyspace.utf8.span, to: &buffer)
        buffer.append(UInt8(ascii: ","))
      }
      JSONWriter.appendMember("key", key, asHex: asHex, to: &buffer)
      if showsValue {
        buffer.append(UInt8(ascii: ","))
        JSONWriter.appendMember("value", value, asHex: asHex, to: &buffer)
      }
      if let expiry { buffer.append(contentsOf: ",\"expires\":\(expiry)".utf8) }
      buffer.append(contentsOf: "}\n".utf8)
    }
  }

  /// One entry as a line for people: key, tab, value.
  func write(
    textOf key: Span<UInt8>, _ value: Span<UInt8>, showsValue: Bool, asHex: Bool
  ) throws {
    try append { buffer in
      Self.append(key, asHex, to: &buffer)
      if showsValue {
        buffer.append(0x09)
        Self.append(value, asHex, to: &buffer)
      }
      buffer.append(0x0a)
    }
  }

  private static func append(_ bytes: Span<UInt8>, _ asHex: Bool, to buffer: inout [UInt8]) {
    if asHex {
      Hexadecimal.append(bytes, to: &buffer)
    } else {
      EscapedText.append(bytes, to: &buffer)
    }
  }
}
