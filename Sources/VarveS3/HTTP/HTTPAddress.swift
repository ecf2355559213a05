/// An address in its parts: `http://host:port/path?name=value`, with one reading only. Whoever compares
/// the host and whoever connects to it must see the same.
struct HTTPAddress {
  let origin: HTTPOrigin
  /// Encoded, from the first slash on.
  let path: String
  /// Names and values, not encoded.
  let query: [(String, String)]

  /// Nil for anything else, such as an address with a user's name or a fragment, or one that is not plain
  /// ASCII.
  init?(_ text: String) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !Self.ambiguous.contains($0) }),
      let begin = text.firstRange(of: "://")?.upperBound
    else { return nil }
    let end = text[begin...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
    guard let origin = HTTPOrigin(String(text[..<end])) else { return nil }
    self.origin = origin
    let mark = text[end...].firstIndex(of: "?")
    let path = String(text[end..<(mark ?? text.endIndex)])
    self.path = path.isEmpty ? "/" : path
    guard let query = Self.query(mark.map { text[text.index(after: $0)...] } ?? "") else {
      return nil
    }
    self.query = query
  }

  /// What some take for the end of a host, and others do not.
  private static let ambiguous = Array("#\\\"<>^`{|}".utf8)

  private static func query(_ text: Substring) -> [(String, String)]? {
    var pairs: [(String, String)] = []
    for pair in text.split(separator: "&") {
      let equals = pair.firstIndex(of: "=") ?? pair.endIndex
      guard let name = PercentCoding.decode(String(pair[..<equals])),
        let value = PercentCoding.decode(String(pair[equals...].dropFirst()))
      else { return nil }
      pairs.append((name, value))
    }
    return pairs
  }
}
