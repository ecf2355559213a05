/// Sections of `name = value` lines: `~/.aws/credentials` and `~/.aws/config` ("Configuration and
/// credential file settings" of the AWS CLI's guide).
///
/// A value ends at its line; lines that begin with `#` or `;` are passed over, and indented ones too,
/// which belong to settings that nobody needs here.
struct ProfileFile {
  private var sections: [String: [String: String]] = [:]

  init(_ bytes: [UInt8]) {
    var section: String?
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
      guard let first = line.first, !" \t#;".contains(first) else { continue }
      if first == "[" {
        section = line.firstIndex(of: "]").map { end in
          Self.trimmed(line[line.index(after: line.startIndex)..<end])
        }
      } else if let section, let equals = line.firstIndex(of: "=") {
        let name = Self.trimmed(line[..<equals]).lowercased()
        sections[section, default: [:]][name] = Self.trimmed(line[line.index(after: equals)...])
      }
    }
  }

  /// The settings of a section; nil where there is none.
  subscript(section: String) -> [String: String]? { sections[section] }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
