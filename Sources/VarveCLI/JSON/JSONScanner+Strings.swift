// Strings: plain runs are copied whole, everything else byte by byte.

extension JSONScanner {
  /// Appends the string that begins at the next byte, a quote, in the form asked for.
  mutating func string(_ form: Form, into output: inout [UInt8], limit: Int) throws {
    guard try peek() == UInt8(ascii: "\"") else { throw try unexpected("expected a string") }
    pass()
    if form == .exact { output.append(UInt8(ascii: "\"")) }
    while let byte = try peek() {
      switch byte {
      case UInt8(ascii: "\""):
        pass()
        if form == .exact { output.append(byte) }
        guard output.count <= limit else { throw tooLong(limit) }
        return
      case UInt8(ascii: "\\"): try escape(form, into: &output)
      // No further than the byte that is one too many: the error stands there, wherever a chunk ends.
      case 0x20..<0x80: plainRun(into: &output, upTo: max(1, limit + 3 - output.count))
      case 0x80...: try character(lead: byte, into: &output)
      case 0x0a: throw error("the string does not end in its line")
      default:
        throw error(
          "a control character (\(Hexadecimal.number(UInt64(byte), width: 2))) in a string")
      }
      // One over the limit is enough to know; what follows is never held in memory.
      guard output.count <= limit + 2 else { throw tooLong(limit) }
    }
    throw error("the string does not end")
  }

  private func tooLong(_ limit: Int) -> InputError {
    error("longer than \(Quantity.grouped(UInt64(limit))) bytes")
  }

  /// Appends one character of several bytes.
  private mutating func character(lead: UInt8, into output: inout [UInt8]) throws {
    guard let form = UTF8Form(lead: lead) else { throw error("not UTF-8") }
    pass()
    output.append(lead)
    for step in 1..<form.count {
      guard let byte = try peek(), step == 1 ? form.second.contains(byte) : byte & 0xc0 == 0x80
      else { throw error("not UTF-8") }
      pass()
      output.append(byte)
    }
  }
}

// MARK: - Escapes

extension JSONScanner {
  private mutating func escape(_ form: Form, into output: inout [UInt8]) throws {
    let start = error("unknown escape")
    pass()
    guard let letter = try peek(), letter != 0x0a else {
      throw try unexpected("expected an escape")
    }
    if letter == UInt8(ascii: "u") {
      pass()
      return try unicodeEscape(form, start, into: &output)
    }
    guard let byte = Self.meaning(of: letter) else { throw start }
    pass()
    switch form {
    case .decoded: output.append(byte)
    case .exact: output += [UInt8(ascii: "\\"), letter]
    }
  }

  private static func meaning(of letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0c
    case UInt8(ascii: "n"): 0x0a
    case UInt8(ascii: "r"): 0x0d
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
  }

  /// `\uXXXX`, its `\u` already passed; characters above U+FFFF are two of them, a high surrogate
  /// and a low one. A surrogate alone is no character and has no UTF-8: an error.
  private mutating func unicodeEscape(
    _ form: Form, _ start: InputError, into output: inout [UInt8]
  ) throws {
    if form == .exact { output.append(contentsOf: "\\u".utf8) }
    var number = try fourDigits(form, into: &output)
    let alone = InputError(
      line: start.line, column: start.column, message: "a surrogate without its other half")
    if (0xdc00...0xdfff).contains(number) { throw alone }
    if (0xd800...0xdbff).contains(number) {
      for letter in "\\u".utf8 {
        guard try peek() == letter else { throw alone }
        pass()
      }
      if form == .exact { output.append(contentsOf: "\\u".utf8) }
      let low = try fourDigits(form, into: &output)
      guard (0xdc00...0xdfff).contains(low) else { throw alone }
      number = 0x10000 + (number - 0xd800) << 10 + (low - 0xdc00)
    }
    guard form == .decoded else { return }
    // Neither a surrogate nor above U+10FFFF, so there is such a character.
    if let scalar = Unicode.Scalar(number) {
      output.append(contentsOf: UTF8.encode(scalar) ?? .init())
    }
  }

  private mutating func fourDigits(_ form: Form, into output: inout [UInt8]) throws -> UInt32 {
    var number: UInt32 = 0
    for _ in 0..<4 {
      guard let letter = try peek(), let value = Hexadecimal.value(of: letter) else {
        throw try unexpected("expected four hexadecimal digits")
      }
      pass()
      number = number << 4 | UInt32(value)
      if form == .exact { output.append(letter) }
    }
    return number
  }
}
