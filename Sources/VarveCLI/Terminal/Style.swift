/// Colours and weights of text, or none of them.
struct Style: Sendable {
  var isColoured: Bool

  static let plain = Style(isColoured: false)

  /// Colour only on a terminal that can show it, and never where `NO_COLOR` is set (no-color.org:
  /// to anything but the empty string).
  static func suited(
    toTerminal isTerminal: Bool, noColour: String?, terminalName: String?
  ) -> Style {
    let refused = !(noColour ?? "").isEmpty || terminalName == "dumb"
    return Style(isColoured: isTerminal && !refused)
  }

  func bold(_ text: String) -> String { wrapped(text, "1") }
  func faint(_ text: String) -> String { wrapped(text, "2") }
  func bad(_ text: String) -> String { wrapped(text, "31") }
  func good(_ text: String) -> String { wrapped(text, "32") }
  func warning(_ text: String) -> String { wrapped(text, "33") }
  func accent(_ text: String) -> String { wrapped(text, "36") }

  private func wrapped(_ text: String, _ code: String) -> String {
    isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
