/// Writes JSON, one value after another, in one line; commas come by themselves.
///
/// ```
/// {"file":"log-0000000000000001","offset":64}
/// ```
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  mutating func object(_ members: (inout JSONWriter) throws -> Void) rethrows {
    begin(UInt8(ascii: "{"))
    try members(&self)
    end(UInt8(ascii: "}"))
  }

  mutating func array(_ elements: (inout JSONWriter) throws -> Void) rethrows {
    begin(UInt8(ascii: "["))
    try elements(&self)
    end(UInt8(ascii: "]"))
  }

  /// The name of the member whose value comes next.
  mutating func name(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func string(_ text: String) {
    separate()
    Self.appendQuoted(text.utf8.span, to: &bytes)
  }

  mutating func number(_ number: some BinaryInteger) {
    separate()
    bytes.append(contentsOf: String(number).utf8)
  }

  /// A number with decimal places; JSON knows neither infinity nor "not a number": null.
  mutating func number(_ number: Double, places: Int = 6) {
    guard number.isFinite else { return null() }
    separate()
    bytes.append(contentsOf: Quantity.decimal(number, places: places).utf8)
  }

  mutating func boolean(_ value: Bool) {
    separate()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  private mutating func begin(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }
}

// MARK: - Members

extension JSONWriter {
  mutating func member(_ name: String, _ value: String) {
    self.name(name)
    string(value)
  }

  mutating func member(_ name: String, _ value: some BinaryInteger) {
    self.name(name)
    number(value)
  }

  mutating func member(_ name: String, _ value: Bool) {
    self.name(name)
    boolean(value)
  }

  /// Bytes: as the string `name` where they are UTF-8 and `asHex` does not say otherwise, else in
  /// hexadecimal as `<name>_hex`.
  mutating func member(_ name: String, bytes value: Span<UInt8>, asHex: Bool = false) {
    separate()
    Self.appendMember(name, value, asHex: asHex, to: &bytes)
  }

  /// The same for output that is made without a writer.
  static func appendMember(
    _ name: String, _ value: Span<UInt8>, asHex: Bool = false, to output: inout [UInt8]
  ) {
    let isText = !asHex && UTF8Form.isValid(value)
    output.append(UInt8(ascii: "\""))
    output.append(contentsOf: name.utf8)
    output.append(contentsOf: (isText ? "\":" : "_hex\":\"").utf8)
    if isText {
      appendQuoted(value, to: &output)
    } else {
      Hexadecimal.append(value, to: &output)
      output.append(UInt8(ascii: "\""))
    }
  }
}

// MARK: - Strings

extension JSONWriter {
  /// UTF-8 as a JSON string: quotes, backslashes and control characters escaped, the rest as it is.
  static func appendQuoted(_ text: Span<UInt8>, to output: inout [UInt8]) {
    output.reserveCapacity(output.count + text.count + 2)
    output.append(UInt8(ascii: "\""))
    for index in text.indices {
      let byte = text[index]
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        output.append(byte)
      } else {
        appendEscape(byte, to: &output)
      }
    }
    output.append(UInt8(ascii: "\""))
  }

  private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: output.append(UInt8(ascii: "b"))
    case 0x09: output.append(UInt8(ascii: "t"))
    case 0x0a: output.append(UInt8(ascii: "n"))
    case 0x0c: output.append(UInt8(ascii: "f"))
    case 0x0d: output.append(UInt8(ascii: "r"))
    case 0x22, 0x5c: output.append(byte)
    default:
      output.append(contentsOf: "u00".utf8)
      Hexadecimal.append([byte].span, to: &output)
    }
  }
}
