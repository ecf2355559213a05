/// The members of a JSON object that are texts, as answers with credentials have them (RFC 8259). All
/// else is checked and passed over. The input is bounded by who read it.
struct JSONFields {
  private var fields: [String: String] = [:]

  /// Nil where `bytes` are no object, and nothing else, of JSON.
  init?(_ bytes: [UInt8]) {
    var scanner = JSONFieldScanner(bytes)
    guard let fields = scanner.document() else { return nil }
    self.fields = fields
  }

  /// A member that is a text, or a number as it stands.
  subscript(name: String) -> String? { fields[name] }
}

/// Each method passes over what it names, and returns nil where it does not stand there.
private struct JSONFieldScanner {
  private static let mostDepth = 32

  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func document() -> [String: String]? {
    var fields: [String: String] = [:]
    skipBlanks()
    guard object(depth: 1, { fields[$0] = $1 }) != nil else { return nil }
    skipBlanks()
    return rest.isEmpty ? fields : nil
  }

  private mutating func object(depth: Int, _ keep: (String, String) -> Void) -> Void? {
    guard depth <= Self.mostDepth, takes("{") else { return nil }
    if takes("}") { return () }
    repeat {
      skipBlanks()
      guard let name = string(), takes(":") else { return nil }
      skipBlanks()
      guard let value = value(depth: depth) else { return nil }
      if let text = value.text { keep(name, text) }
    } while takes(",")
    return takes("}") ? () : nil
  }

  private mutating func array(depth: Int) -> Void? {
    guard depth <= Self.mostDepth, takes("[") else { return nil }
    if takes("]") { return () }
    repeat {
      skipBlanks()
      guard value(depth: depth) != nil else { return nil }
    } while takes(",")
    return takes("]") ? () : nil
  }

  private struct Value {
    var text: String?
  }

  private mutating func value(depth: Int) -> Value? {
    switch rest.first {
    case UInt8(ascii: "\""): string().map { Value(text: $0) }
    case UInt8(ascii: "{"): object(depth: depth + 1) { _, _ in }.map { Value() }
    case UInt8(ascii: "["): array(depth: depth + 1).map { Value() }
    default: word()
    }
  }

  /// A number, `true`, `false` or `null`.
  private mutating func word() -> Value? {
    let word = rest.prefix { byte in
      (0x61...0x7a).contains(byte | 0x20) || "+-.".utf8.contains(byte) || isDigit(byte)
    }
    guard let first = word.first else { return nil }
    rest = rest.dropFirst(word.count)
    let text = String(decoding: word, as: UTF8.self)
    if isDigit(first) || first == UInt8(ascii: "-") {
      return isNumber(word) ? Value(text: text) : nil
    }
    return ["true", "false", "null"].contains(text) ? Value() : nil
  }

  /// `-1.5e+3`: no leading zeros, and none of what else stands for a number elsewhere, such as `-inf`.
  private func isNumber(_ word: ArraySlice<UInt8>) -> Bool {
    var rest = word
    if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
    let whole = rest.prefix(while: isDigit)
    guard !whole.isEmpty, whole.count == 1 || whole.first != UInt8(ascii: "0") else { return false }
    rest = rest.dropFirst(whole.count)
    if rest.first == UInt8(ascii: ".") {
      guard let end = digits(behind: rest.dropFirst()) else { return false }
      rest = end
    }
    if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
      rest.removeFirst()
      if let sign = rest.first, "+-".utf8.contains(sign) { rest.removeFirst() }
      guard let end = digits(behind: rest) else { return false }
      rest = end
    }
    return rest.isEmpty
  }

  /// What follows one digit or more.
  private func digits(behind text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let rest = text.drop(while: isDigit)
    return rest.count < text.count ? rest : nil
  }

  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

// MARK: - Strings

extension JSONFieldScanner {
  private mutating func string() -> String? {
    guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
    var bytes: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escape() else { return nil }
        bytes += Array(String(Character(scalar)).utf8)
      case ..<0x20: return nil
      default: bytes.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    switch rest.popFirst() {
    case UInt8(ascii: "\""): "\""
    case UInt8(ascii: "\\"): "\\"
    case UInt8(ascii: "/"): "/"
    case UInt8(ascii: "b"): "\u{8}"
    case UInt8(ascii: "f"): "\u{c}"
    case UInt8(ascii: "n"): "\n"
    case UInt8(ascii: "r"): "\r"
    case UInt8(ascii: "t"): "\t"
    case UInt8(ascii: "u"): unicode()
    default: nil
    }
  }

  /// Four digits; a high surrogate wants its other half.
  private mutating func unicode() -> Unicode.Scalar? {
    guard let first = fourDigits() else { return nil }
    guard (0xd800...0xdbff).contains(first) else { return Unicode.Scalar(first) }
    guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
      let second = fourDigits(), (0xdc00...0xdfff).contains(second)
    else { return nil }
    return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
  }

  private mutating func fourDigits() -> UInt32? {
    let digits = rest.prefix(4)
    guard digits.count == 4, digits.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0 | 0x20) })
    else { return nil }
    rest = rest.dropFirst(4)
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  private mutating func skipBlanks() {
    rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
  }

  /// Passes over a mark and blanks before it.
  private mutating func takes(_ mark: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard rest.first == UInt8(ascii: mark) else { return false }
    rest = rest.dropFirst()
    return true
  }
}
