/// Reads the XML that S3 answers with, event by event: elements, text, the five entities, CDATA;
/// comments and instructions are passed over. Names come without their namespace's prefix, attributes not
/// at all. A document type is refused, so that no entity ever grows.
///
/// The input is bounded by who read it; nothing here is larger than it.
struct XMLReader {
  enum Event: Equatable {
    case start(String)
    case text(String)
    case end(String)
  }

  /// Not well-formed, or not whole.
  struct Problem: Error {}

  private static let mostDepth = 32

  private let bytes: [UInt8]
  private var offset = 0
  private var open: [String] = []
  /// The end of an element that was `<a/>`.
  private var pendingEnd: String?
  private var hasRoot = false

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { offset = 3 }
  }

  /// What comes next; nil behind the whole document.
  mutating func next() throws(Problem) -> Event? {
    if let name = pendingEnd {
      pendingEnd = nil
      open.removeLast()
      return .end(name)
    }
    while offset < bytes.count {
      guard bytes[offset] == UInt8(ascii: "<") else {
        if let text = try text() { return .text(text) }
        continue
      }
      if let event = try markup() { return event }
    }
    guard hasRoot, open.isEmpty else { throw Problem() }
    return nil
  }
}

// MARK: - Markup

extension XMLReader {
  /// What begins at `<`; nil where it was passed over.
  private mutating func markup() throws(Problem) -> Event? {
    if skips("<?") {
      _ = try through("?>")
      return nil
    }
    if skips("<!--") {
      _ = try through("-->")
      return nil
    }
    if skips("<![CDATA[") {
      guard !open.isEmpty else { throw Problem() }
      return .text(try decoded(try through("]]>")))
    }
    if skips("</") { return try endTag() }
    offset += 1
    return try startTag()
  }

  private mutating func endTag() throws(Problem) -> Event {
    let name = try name(try through(">"))
    guard open.popLast() == name else { throw Problem() }
    return .end(name)
  }

  /// A tag, whose attributes may have a `>` between quotes.
  private mutating func startTag() throws(Problem) -> Event {
    guard !(hasRoot && open.isEmpty), open.count < Self.mostDepth else { throw Problem() }
    let start = offset
    var quote: UInt8?
    while offset < bytes.count, quote != nil || bytes[offset] != UInt8(ascii: ">") {
      let byte = bytes[offset]
      if quote == byte {
        quote = nil
      } else if quote == nil, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      }
      offset += 1
    }
    guard offset < bytes.count else { throw Problem() }
    var tag = bytes[start..<offset]
    offset += 1
    let isEmpty = tag.last == UInt8(ascii: "/")
    if isEmpty { tag.removeLast() }
    let name = try name(tag)
    hasRoot = true
    open.append(name)
    if isEmpty { pendingEnd = name }
    return .start(name)
  }

  /// The local name that a tag begins with.
  private func name(_ tag: ArraySlice<UInt8>) throws(Problem) -> String {
    let whole = tag.prefix { !Self.isBlank($0) }
    let local = whole.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last
    guard let local, !local.isEmpty, local.allSatisfy(Self.isNameByte) else { throw Problem() }
    return String(decoding: local, as: UTF8.self)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
  }
}

// MARK: - Text

extension XMLReader {
  /// Text up to the next `<`; nil for blanks outside the root.
  private mutating func text() throws(Problem) -> String? {
    let start = offset
    offset = bytes[start...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
    let raw = bytes[start..<offset]
    if open.isEmpty {
      guard raw.allSatisfy(Self.isBlank) else { throw Problem() }
      return nil
    }
    return try decoded(try resolved(raw))
  }

  /// `raw` with its entities replaced.
  private func resolved(_ raw: ArraySlice<UInt8>) throws(Problem) -> ArraySlice<UInt8> {
    guard raw.contains(UInt8(ascii: "&")) else { return raw }
    var result: [UInt8] = []
    var rest = raw
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "&") else {
        result.append(byte)
        continue
      }
      guard let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")),
        let scalar = Self.entity(String(decoding: rest[..<end], as: UTF8.self))
      else { throw Problem() }
      result += Array(String(Character(scalar)).utf8)
      rest = rest[(end + 1)...]
    }
    return result[...]
  }

  private static func entity(_ name: String) -> Unicode.Scalar? {
    switch name {
    case "amp": "&"
    case "lt": "<"
    case "gt": ">"
    case "quot": "\""
    case "apos": "'"
    default:
      if name.hasPrefix("#x") {
        UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
      } else if name.hasPrefix("#") {
        UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
      } else {
        nil
      }
    }
  }

  private func decoded(_ bytes: ArraySlice<UInt8>) throws(Problem) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw Problem() }
    return text
  }
}

// MARK: - Places

extension XMLReader {
  /// Passes over `mark` if it stands here.
  private mutating func skips(_ mark: StaticString) -> Bool {
    let mark = Array("\(mark)".utf8)
    guard bytes[offset...].starts(with: mark) else { return false }
    offset += mark.count
    return true
  }

  /// Everything up to `mark`, which is passed over too.
  private mutating func through(_ mark: StaticString) throws(Problem) -> ArraySlice<UInt8> {
    let mark = Array("\(mark)".utf8)
    let start = offset
    while let found = bytes[offset...].firstIndex(of: mark[0]) {
      if bytes[found...].starts(with: mark) {
        offset = found + mark.count
        return bytes[start..<found]
      }
      offset = found + 1
    }
    throw Problem()
  }
}
