/// The name of an object below its store's prefix: parts of `a-z 0-9 . _ -` between single slashes, of
/// which none is `.` or `..`, 512 bytes at most. Nothing in it is ever escaped or normalised, by
/// whatever it passes.
public struct ObjectName: Hashable, Sendable, CustomStringConvertible {
  /// Bytes of the longest name.
  public static let mostBytes = 512

  /// The name.
  public let description: String

  /// Nil where `text` is no name.
  public init?(_ text: String) {
    let bytes = text.utf8
    guard !bytes.isEmpty, bytes.count <= Self.mostBytes else { return nil }
    let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.allSatisfy(Self.isPart) else { return nil }
    description = text
  }

  private static func isPart(_ part: Substring.UTF8View) -> Bool {
    !part.isEmpty && part.allSatisfy(isAllowed) && !isDots(part)
  }

  private static func isDots(_ part: Substring.UTF8View) -> Bool {
    part.count <= 2 && part.allSatisfy { $0 == UInt8(ascii: ".") }
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

extension ObjectName: Comparable {
  /// By bytes: the order of listings.
  public static func < (left: ObjectName, right: ObjectName) -> Bool {
    left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
  }
}
