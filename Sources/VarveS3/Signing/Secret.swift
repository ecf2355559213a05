/// A text that nobody may see: a key, a token. Whatever describes, dumps or mirrors it shows
/// `<secret>`, so that it reaches no log and no error by accident.
public struct Secret: Hashable, Sendable {
  private let text: String

  /// Keeps `text`; blanks and line ends around it, as files have them, are dropped.
  public init(_ text: String) {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\r\n" || $0 == "\t" }
    let start = text.drop(while: isBlank)
    self.text = String(start.reversed().drop(while: isBlank).reversed())
  }

  /// The text, for what signs and sends. Never for a message.
  var revealed: String { text }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Always `<secret>`.
  public var description: String { "<secret>" }
  /// Always `<secret>`.
  public var debugDescription: String { "<secret>" }
  /// Without children.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
