/// JSON as text: just enough to write vectors that read well and never change by themselves.
package indirect enum JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral
{
  case text(String)
  case number(UInt64)
  case list([JSON])
  /// Members in the order in which they are written.
  case object([(String, JSON)])
  case nothing

  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: UInt64) { self = .number(value) }
  package init(arrayLiteral elements: JSON...) { self = .list(elements) }

  package static func hex(_ bytes: [UInt8]) -> JSON {
    let digits = Array("0123456789abcdef".unicodeScalars)
    var text = String.UnicodeScalarView()
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return .text(String(text))
  }

  package static func number(_ value: Int) -> JSON { .number(UInt64(value)) }

  /// The text, with members and elements that do not fit on a line on lines of their own.
  package func written(indent: Int = 0) -> String {
    let line = oneLine
    guard line.utf8.count + indent > 100 else { return line }
    let inner = String(repeating: " ", count: indent + 1)
    let outer = String(repeating: " ", count: indent)
    switch self {
    case .list(let elements) where !elements.isEmpty:
      let lines = elements.map { inner + $0.written(indent: indent + 1) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(outer)]"
    case .object(let members) where !members.isEmpty:
      let lines = members.map { "\(inner)\(Self.quoted($0)): \($1.written(indent: indent + 1))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
    default: return line
    }
  }

  private var oneLine: String {
    switch self {
    case .text(let text): Self.quoted(text)
    case .number(let number): String(number)
    case .list(let elements): "[" + elements.map(\.oneLine).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(Self.quoted($0)): \($1.oneLine)" }.joined(separator: ", ") + "}"
    case .nothing: "null"
    }
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 32:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
