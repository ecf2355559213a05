/// Names of the files of a store: a kind, a hyphen, and the number as sixteen hexadecimal digits.
///
/// Names are made from numbers and never from stored bytes; anything else in the directory is not
/// ours and is left alone. Spec: directory.md.
package struct FileName: Hashable, Sendable, CustomStringConvertible {
  package enum Kind: String, Sendable, CaseIterable {
    case log
    case segment
    case values
    case manifest
  }

  package var kind: Kind
  package var number: UInt64

  package init(_ kind: Kind, _ number: UInt64) {
    self.kind = kind
    self.number = number
  }

  package var description: String {
    let digits = String(number, radix: 16)
    return "\(kind.rawValue)-" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Reads a name by the strict grammar: exactly what `description` writes, nothing else.
  package init?(parsing name: String) {
    let parts = name.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].count == 16,
      let kind = Kind(rawValue: String(decoding: parts[0], as: UTF8.self))
    else { return nil }
    var number: UInt64 = 0
    for digit in parts[1] {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"):
        number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    // No counter gets that far: a file that was named by somebody else must not move ours there.
    guard number < Limits.fileNumber || kind == .manifest && number == Limits.fileNumber else {
      return nil
    }
    self.init(kind, number)
  }

  /// The lock file of a store.
  package static let lock = "lock"
  /// A manifest that is being written; renamed when it is complete and synced.
  package static func temporary(_ name: FileName) -> String { "\(name).new" }
}
