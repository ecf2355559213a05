/// A server: scheme, host and port.
struct HTTPOrigin: Hashable, Sendable {
  let isSecure: Bool
  /// A name, an IPv4 address, or an IPv6 address in brackets.
  let host: String
  /// Nil for the scheme's own.
  let port: UInt16?

  init(isSecure: Bool, host: String, port: UInt16? = nil) {
    self.isSecure = isSecure
    self.host = host
    self.port = port == (isSecure ? 443 : 80) ? nil : port
  }

  /// `https://host[:port]`, perhaps with one slash behind it; nil for anything else, such as an address
  /// with a path or with a user's name.
  init?(_ address: String) {
    let isSecure = address.hasPrefix("https://")
    guard isSecure || address.hasPrefix("http://") else { return nil }
    var rest = address.dropFirst(isSecure ? 8 : 7)
    if rest.last == "/" { rest.removeLast() }
    guard let (host, port) = Self.split(rest) else { return nil }
    self.init(isSecure: isSecure, host: host, port: port)
  }

  private static func split(_ text: Substring) -> (String, UInt16?)? {
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      let inner = text[text.index(after: text.startIndex)..<end]
      let isAddress = inner.utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: ":") }
      return isAddress && !inner.isEmpty ? port(text[...end], text[text.index(after: end)...]) : nil
    }
    let end = text.firstIndex(of: ":") ?? text.endIndex
    let host = text[..<end]
    let isName = host.utf8.allSatisfy { byte in
      isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        || byte == UInt8(ascii: "_")
    }
    return isName && !host.isEmpty ? port(host, text[end...]) : nil
  }

  private static func port(_ host: Substring, _ text: Substring) -> (String, UInt16?)? {
    if text.isEmpty { return (host.lowercased(), nil) }
    guard text.first == ":", let number = UInt64(digits: text.dropFirst()),
      let port = UInt16(exactly: number), port > 0
    else { return nil }
    return (host.lowercased(), port)
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isHexadecimal(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
  }

  /// What the header Host says: the port only where it is not the usual one.
  var authority: String { port.map { "\(host):\($0)" } ?? host }
  var address: String { "\(isSecure ? "https" : "http")://\(authority)" }

  /// The server of another name below this one, at the same port.
  func named(_ label: String) -> HTTPOrigin {
    HTTPOrigin(isSecure: isSecure, host: "\(label).\(host)", port: port)
  }
}
