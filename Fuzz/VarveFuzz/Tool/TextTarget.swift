import VarveFormat

@testable import VarveCLI

extension FuzzTarget {
  /// What people type and see: hexadecimal, sizes, and bytes as readable text.
  static let text = FuzzTarget("text", upTo: 512) { bytes in
    let bytes = bytes.array
    promise(Hexadecimal.parse(Hexadecimal.text(bytes).utf8) == bytes, "hexadecimal loses bytes")
    if let parsed = Hexadecimal.parse(bytes) {
      let lower = String(decoding: bytes, as: UTF8.self).lowercased()
      promise(Hexadecimal.text(parsed) == lower, "hexadecimal is read as something else")
    }
    let shown = EscapedText.text(bytes)
    promise(shown.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "text steers the terminal")
    promise(unescaped(Array(shown.utf8)) == bytes, "text shows other bytes")
    if let size = Quantity.parseBytes(String(decoding: bytes, as: UTF8.self)) {
      promise(size >= 0, "a size below zero")
    }
  }

  /// What escaped text stands for: the reverse of `EscapedText`, written from its description.
  private static func unescaped(_ text: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
        bytes.append(byte)
        continue
      }
      switch letter {
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "n"): bytes.append(0x0a)
      case UInt8(ascii: "r"): bytes.append(0x0d)
      case UInt8(ascii: "x"):
        bytes += Hexadecimal.parse(Array(rest.prefix(2))) ?? []
        rest = rest.dropFirst(2)
      default: bytes.append(letter)
      }
    }
    return bytes
  }
}
