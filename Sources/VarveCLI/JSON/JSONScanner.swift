/// Reads JSON Lines as RFC 8259 has it, strictly, from input of any size.
///
/// The scanner pulls: whoever knows what should come next asks for it, and the bytes asked for are
/// appended to an array of the caller's, so that memory holds one value and not one line. All that
/// is passed over is checked: escapes, surrogates, UTF-8, numbers, nesting. Every error says line
/// and column.
///
/// ```
/// {"key": "zsh", "value": {"Version": "5.9"}}\n
///         ^string(decoded)  ^value: the exact text
/// ```
struct JSONScanner {
  /// What of a string is kept.
  enum Form {
    /// The characters it stands for, as UTF-8.
    case decoded
    /// Its text, with quotes and escapes as they stand.
    case exact
  }

  /// Arrays and objects within each other.
  static let nestingLimit = 512

  private(set) var stream: ByteStream

  init(_ source: any ChunkSource) { stream = ByteStream(source) }

  func error(_ message: String) -> InputError { stream.error(message) }
}

// MARK: - Between values

extension JSONScanner {
  /// Passes over blanks within a line, and keeps them.
  mutating func skipBlanks(into kept: inout [UInt8], limit: Int) throws {
    while let byte = try stream.peek(), byte == 0x20 || byte == 0x09 || byte == 0x0d {
      try keepNext(into: &kept, limit: limit)
    }
  }

  mutating func skipBlanks() throws {
    while let byte = try stream.peek(), byte == 0x20 || byte == 0x09 || byte == 0x0d {
      stream.advance()
    }
  }

  /// The next byte that is not blank, left where it is; nil at the end of input.
  mutating func next() throws -> UInt8? {
    try skipBlanks()
    return try stream.peek()
  }

  /// Passes over `byte`, which must come next after blanks.
  mutating func expect(_ byte: UInt8, _ what: String) throws {
    guard try next() == byte else { throw try unexpected("expected \(what)") }
    stream.advance()
  }

  /// Passes over `byte` if it comes next.
  mutating func take(_ byte: UInt8) throws -> Bool {
    guard try next() == byte else { return false }
    stream.advance()
    return true
  }

  /// Goes to the first byte of the next line that is not blank; false at the end of input.
  mutating func seekRecord() throws -> Bool {
    while let byte = try next() {
      guard byte == 0x0a else { return true }
      stream.endLine()
    }
    return false
  }

  /// Passes over the end of the line, before which only blanks may stand.
  mutating func endRecord() throws {
    guard let byte = try next() else { return }
    guard byte == 0x0a else { throw try unexpected("expected the end of the line") }
    stream.endLine()
  }

  /// An error that says what stands here instead.
  mutating func unexpected(_ message: String) throws -> InputError {
    guard let byte = try stream.peek() else { return error("\(message), not the end of the input") }
    if byte == 0x0a { return error("\(message), not the end of the line") }
    return error("\(message), not '\(EscapedText.text([byte]))'")
  }
}

// MARK: - Values

extension JSONScanner {
  /// Appends the exact text of the value that begins at the next byte.
  mutating func value(into output: inout [UInt8], limit: Int, depth: Int = 0) throws {
    switch try stream.peek() {
    case UInt8(ascii: "\""): try string(.exact, into: &output, limit: limit)
    case UInt8(ascii: "{"): try object(into: &output, limit: limit, depth: depth + 1)
    case UInt8(ascii: "["): try array(into: &output, limit: limit, depth: depth + 1)
    case UInt8(ascii: "-"): try number(into: &output, limit: limit)
    case UInt8(ascii: "t"): try literal("true", into: &output)
    case UInt8(ascii: "f"): try literal("false", into: &output)
    case UInt8(ascii: "n"): try literal("null", into: &output)
    case let digit? where isDigit(digit): try number(into: &output, limit: limit)
    default: throw try unexpected("expected a JSON value")
    }
    try check(output.count, limit)
  }

  private mutating func object(into output: inout [UInt8], limit: Int, depth: Int) throws {
    try enter(depth, into: &output)
    if try keep(UInt8(ascii: "}"), into: &output, limit: limit) { return }
    repeat {
      try skipBlanks(into: &output, limit: limit)
      guard try stream.peek() == UInt8(ascii: "\"") else {
        throw try unexpected("expected the name of a member")
      }
      try string(.exact, into: &output, limit: limit)
      guard try keep(UInt8(ascii: ":"), into: &output, limit: limit) else {
        throw try unexpected("expected ':'")
      }
      try skipBlanks(into: &output, limit: limit)
      try value(into: &output, limit: limit, depth: depth)
    } while try keep(UInt8(ascii: ","), into: &output, limit: limit)
    guard try keep(UInt8(ascii: "}"), into: &output, limit: limit) else {
      throw try unexpected("expected ',' or '}'")
    }
  }

  private mutating func array(into output: inout [UInt8], limit: Int, depth: Int) throws {
    try enter(depth, into: &output)
    if try keep(UInt8(ascii: "]"), into: &output, limit: limit) { return }
    repeat {
      try skipBlanks(into: &output, limit: limit)
      try value(into: &output, limit: limit, depth: depth)
    } while try keep(UInt8(ascii: ","), into: &output, limit: limit)
    guard try keep(UInt8(ascii: "]"), into: &output, limit: limit) else {
      throw try unexpected("expected ',' or ']'")
    }
  }

  /// Keeps the opening bracket that comes next.
  private mutating func enter(_ depth: Int, into output: inout [UInt8]) throws {
    guard depth <= Self.nestingLimit else {
      throw error("nested more than \(Self.nestingLimit) deep")
    }
    if let bracket = try stream.peek() { output.append(bracket) }
    stream.advance()
  }

  /// Keeps blanks, and `byte` if it comes after them.
  private mutating func keep(
    _ byte: UInt8, into output: inout [UInt8], limit: Int
  ) throws -> Bool {
    try skipBlanks(into: &output, limit: limit)
    guard try stream.peek() == byte else { return false }
    output.append(byte)
    stream.advance()
    return true
  }

  private mutating func literal(_ text: StaticString, into output: inout [UInt8]) throws {
    for letter in text.description.utf8 {
      guard try stream.peek() == letter else { throw try unexpected("expected \(text)") }
      output.append(letter)
      stream.advance()
    }
  }

  private func check(_ count: Int, _ limit: Int) throws {
    if count > limit { throw error("longer than \(Quantity.grouped(UInt64(limit))) bytes") }
  }
}

// MARK: - Numbers

extension JSONScanner {
  private mutating func number(into output: inout [UInt8], limit: Int) throws {
    if try stream.peek() == UInt8(ascii: "-") { try keepNext(into: &output, limit: limit) }
    if try stream.peek() == UInt8(ascii: "0") {
      try keepNext(into: &output, limit: limit)
      if let digit = try stream.peek(), isDigit(digit) {
        throw error("a number does not begin with a needless zero")
      }
    } else {
      try digits(into: &output, limit: limit)
    }
    if try stream.peek() == UInt8(ascii: ".") {
      try keepNext(into: &output, limit: limit)
      try digits(into: &output, limit: limit)
    }
    if let letter = try stream.peek(), letter | 0x20 == UInt8(ascii: "e") {
      try keepNext(into: &output, limit: limit)
      if let sign = try stream.peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        try keepNext(into: &output, limit: limit)
      }
      try digits(into: &output, limit: limit)
    }
  }

  private mutating func digits(into output: inout [UInt8], limit: Int) throws {
    guard let first = try stream.peek(), isDigit(first) else {
      throw try unexpected("expected a digit")
    }
    while let digit = try stream.peek(), isDigit(digit) {
      try keepNext(into: &output, limit: limit)
    }
  }

  /// Keeps the next byte; no part of a value is held in memory that is one byte too long.
  private mutating func keepNext(into output: inout [UInt8], limit: Int) throws {
    try check(output.count, limit)
    if let byte = try stream.peek() { output.append(byte) }
    stream.advance()
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}

// MARK: - Parts that strings use

extension JSONScanner {
  /// Appends a run of plain ASCII from the present chunk, at most `most` bytes: no quote, backslash or
  /// control character.
  mutating func plainRun(into output: inout [UInt8], upTo most: Int) {
    let start = stream.index
    let end = min(start + most, Self.endOfPlainRun(stream.chunk.span, from: start))
    guard end > start else { return }
    output.append(contentsOf: stream.chunk[start..<end])
    stream.advance(end - start)
  }

  private static func endOfPlainRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      guard byte &- 0x20 < 0x60, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else {
        return index
      }
      index += 1
    }
    return index
  }

  /// Passes over the next byte, which is known to be there and not to end a line.
  mutating func pass() { stream.advance() }

  mutating func endLine() { stream.endLine() }

  mutating func peek() throws -> UInt8? { try stream.peek() }
}
