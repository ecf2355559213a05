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

  /// By the number alone, which no two files but a manifest and another share: the kind would be hashed as a word.
  package func hash(into hasher: inout Hasher) { hasher.combine(number) }

  package var description: String {
    let kind = kind.rawValue.utf8
    let count = kind.count + 1 + Self.digits
    // In one piece: a store with many files makes as many names when it is opened.
    return unsafe String(unsafeUninitializedCapacity: count) { buffer in
      var end = unsafe buffer.update(fromContentsOf: kind)
      unsafe buffer[end] = UInt8(ascii: "-")
      for place in (0..<Self.digits).reversed() {
        end += 1
        unsafe buffer[end] = Self.digit(UInt8(truncatingIfNeeded: number >> UInt64(4 * place)) & 15)
      }
      return count
    }
  }

  /// Reads a name by the strict grammar: exactly what `description` writes, nothing else.
  package init?(parsing name: String) {
    let bytes = name.utf8.span
    let hyphen = bytes.count - Self.digits - 1
    guard hyphen > 0, bytes[hyphen] == UInt8(ascii: "-"),
      let kind = Kind.allCases.first(where: { Self.begins(bytes, hyphen, with: $0) })
    else { return nil }
    var number: UInt64 = 0
    for place in hyphen + 1..<bytes.count {
      guard let value = Self.value(ofDigit: bytes[place]) else { return nil }
      number = number << 4 | value
    }
    // No counter gets that far: a file that was named by somebody else must not move ours there.
    guard number < Limits.fileNumber || kind == .manifest && number == Limits.fileNumber else {
      return nil
    }
    self.init(kind, number)
  }

  /// Whether the first `count` bytes are those of `kind`.
  private static func begins(_ bytes: Span<UInt8>, _ count: Int, with kind: Kind) -> Bool {
    let word = kind.rawValue.utf8.span
    return word.count == count && (0..<count).allSatisfy { bytes[$0] == word[$0] }
  }

  private static let digits = 16

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  private static func value(ofDigit digit: UInt8) -> UInt64? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a") + 10)
    default: nil
    }
  }

  /// What a store with a bucket knows of it.
  package static let bucket = "bucket"
  /// Parts of cold files that were fetched.
  package static let slots = "slots"
  /// The lock file of a store.
  package static let lock = "lock"
  /// A manifest that is being written; renamed when it is complete and synced.
  package static func temporary(_ name: FileName) -> String { "\(name).new" }
}
