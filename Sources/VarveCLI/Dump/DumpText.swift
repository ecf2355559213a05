/// Writes dump items as lines for people.
///
/// ```
///     offset      length  what
/// 0x00000000          64  file header   kind segment, version 0
/// 0x00000040       8,123  block         number 0, entries 12, codec lz4
///                           entry       action put, sequence 7, key "zsh", value "The Z shell"
/// ```
struct DumpText {
  var style = Style.plain
  /// Keys and values in hexadecimal.
  var asHex = false
  /// Bytes of a key or value that are shown; the rest is counted.
  var shownBytes = 64

  static let heading = "    offset      length  what"

  func line(_ item: DumpItem) -> String {
    let place = item.offset.map { Hexadecimal.number($0, width: 8) } ?? ""
    let length = item.length.map(Quantity.grouped) ?? ""
    let indent = String(repeating: " ", count: 2 * item.depth)
    let name = pad(indent + item.kind, 14)
    let fields = item.fields.map(text).joined(separator: ", ")
    let margin = style.faint("\(pad(place, 10, right: true))  \(pad(length, 10, right: true))")
    let what = item.isDamage ? style.bad(name) : style.accent(name)
    return "\(margin)  \(what)  \(item.isDamage ? style.bad(fields) : fields)"
  }

  private func text(_ field: DumpItem.Field) -> String {
    switch field.value {
    case .number(let number): "\(field.name) \(Quantity.grouped(number))"
    case .hex(let number, let digits): "\(field.name) \(Hexadecimal.number(number, width: digits))"
    case .text(let text): "\(field.name) \(text)"
    case .bytes(let bytes): "\(field.name) \(shown(bytes))"
    case .flag(let flag): "\(field.name) \(flag ? "yes" : "no")"
    }
  }

  private func shown(_ bytes: [UInt8]) -> String {
    let head = Array(bytes.prefix(shownBytes))
    let text = asHex ? Hexadecimal.text(head) : "\"\(EscapedText.text(head))\""
    guard bytes.count > shownBytes else { return text }
    return "\(text)... (\(Quantity.grouped(UInt64(bytes.count))) bytes)"
  }

  private func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
    let gap = String(repeating: " ", count: max(0, width - text.count))
    return right ? gap + text : text + gap
  }
}

extension JSONWriter {
  /// One dump item as an object: `what`, `offset`, `length`, then its fields.
  mutating func item(_ item: DumpItem, asHex: Bool) {
    object { writer in
      writer.member("what", item.kind)
      if let offset = item.offset { writer.member("offset", offset) }
      if let length = item.length { writer.member("length", length) }
      for field in item.fields { writer.field(field, asHex: asHex) }
    }
  }

  private mutating func field(_ field: DumpItem.Field, asHex: Bool) {
    let name = Self.memberName(field.name)
    switch field.value {
    case .number(let number): member(name, number)
    case .hex(let number, _): member(name, number)
    case .text(let text): member(name, text)
    case .bytes(let bytes): member(name, bytes: bytes.span, asHex: asHex)
    case .flag(let flag): member(name, flag)
    }
  }

  /// Words for people as the name of a member.
  static func memberName(_ words: String) -> String {
    String(words.map { $0 == " " ? "_" : $0 })
  }
}
