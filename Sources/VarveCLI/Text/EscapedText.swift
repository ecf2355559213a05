/// Any bytes as one line of readable text.
///
/// UTF-8 stays as it is; a backslash, control characters and bytes that are not UTF-8 are escaped:
/// `\\ \t \n \r \xNN`. Two different runs of bytes never look the same, and nothing in a stored
/// value can steer a terminal.
enum EscapedText {
  static func append(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
    var index = 0
    while index < bytes.count {
      let count = sequenceCount(bytes, at: index)
      if count == 0 {
        appendEscape(bytes[index], to: &output)
        index += 1
      } else {
        for step in 0..<count { output.append(bytes[index + step]) }
        index += count
      }
    }
  }

  static func text(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    append(bytes.span, to: &output)
    return String(decoding: output, as: UTF8.self)
  }

  /// Bytes of the printable character at `index`; zero where it must be escaped.
  private static func sequenceCount(_ bytes: Span<UInt8>, at index: Int) -> Int {
    let first = bytes[index]
    if first < 0x80 {
      return first >= 0x20 && first != 0x7f && first != UInt8(ascii: "\\") ? 1 : 0
    }
    guard let form = UTF8Form(lead: first), form.count <= bytes.count - index,
      form.second.contains(bytes[index + 1])
    else { return 0 }
    for step in 2..<max(2, form.count) where bytes[index + step] & 0xc0 != 0x80 { return 0 }
    // U+0080 to U+009F are control characters too, and some terminals obey them.
    return first == 0xc2 && bytes[index + 1] < 0xa0 ? 0 : form.count
  }

  private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\\"): output.append(UInt8(ascii: "\\"))
    case 0x09: output.append(UInt8(ascii: "t"))
    case 0x0a: output.append(UInt8(ascii: "n"))
    case 0x0d: output.append(UInt8(ascii: "r"))
    default:
      output.append(UInt8(ascii: "x"))
      Hexadecimal.append([byte].span, to: &output)
    }
  }
}

/// What may follow the first byte of a character in UTF-8 (Unicode 15, table 3-7): neither overlong
/// forms nor surrogates nor numbers above U+10FFFF.
struct UTF8Form {
  /// Bytes of the whole character, two to four.
  var count: Int
  /// The second byte; later ones are 80 to BF.
  var second: ClosedRange<UInt8>

  /// Nil where no character of several bytes begins with `lead`.
  init?(lead: UInt8) {
    switch lead {
    case 0xc2...0xdf: (count, second) = (2, 0x80...0xbf)
    case 0xe0: (count, second) = (3, 0xa0...0xbf)
    case 0xed: (count, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: (count, second) = (3, 0x80...0xbf)
    case 0xf0: (count, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: (count, second) = (4, 0x80...0xbf)
    case 0xf4: (count, second) = (4, 0x80...0x8f)
    default: return nil
    }
  }
}

extension UTF8Form {
  /// True where all of `bytes` is UTF-8.
  static func isValid(_ bytes: Span<UInt8>) -> Bool {
    (try? UTF8Span(validating: bytes)) != nil
  }
}
