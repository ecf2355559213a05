/// One option as the table of a command lists it: parsing and help both read this row.
struct OptionSpecification: Sendable {
  /// With its two hyphens.
  var name: String
  var short: Character?
  /// What stands for the value in help; nil for a flag, which takes none.
  var placeholder: String?
  var help: String
  /// Shown in help; what applies where the option is left out.
  var defaultText: String?
  /// Throws where the text is not a value of this option.
  var check: @Sendable (String) throws(UsageError) -> Void

  var isFlag: Bool { placeholder == nil }
}

/// An option together with the type its text is read as.
struct Option<Value: Sendable>: Sendable {
  var specification: OptionSpecification
  var read: @Sendable (String) throws(UsageError) -> Value

  private init(
    _ name: String, short: Character?, placeholder: String?, defaultText: String? = nil,
    _ help: String, read: @escaping @Sendable (String) throws(UsageError) -> Value
  ) {
    self.read = read
    specification = OptionSpecification(
      name: name, short: short, placeholder: placeholder, help: help, defaultText: defaultText,
      check: { text throws(UsageError) in _ = try read(text) })
  }
}

// MARK: - The kinds of options

extension Option where Value == Bool {
  static func flag(_ name: String, short: Character? = nil, _ help: String) -> Option {
    Option(name, short: short, placeholder: nil, help) { _ in true }
  }
}

extension Option where Value == String {
  static func text(
    _ name: String, short: Character? = nil, _ placeholder: String, default: String? = nil,
    _ help: String
  ) -> Option {
    Option(name, short: short, placeholder: placeholder, defaultText: `default`, help) { $0 }
  }
}

extension Option where Value == Int {
  /// A whole number within `range`.
  static func count(
    _ name: String, short: Character? = nil, _ placeholder: String, in range: ClosedRange<Int>,
    default: String? = nil, _ help: String
  ) -> Option {
    Option(name, short: short, placeholder: placeholder, defaultText: `default`, help) {
      text throws(UsageError) in
      guard let number = Int(text), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
        throw UsageError("\(name) needs a whole number, not '\(text)'")
      }
      guard range.contains(number) else {
        throw UsageError(
          range.upperBound == .max
            ? "\(name) must be at least \(range.lowerBound)"
            : "\(name) must be from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
  }
}

extension Option where Value == Int {
  /// A number of bytes: plain, or in KiB, MiB or GiB with the ending K, M or G.
  static func bytes(
    _ name: String, _ placeholder: String, in range: ClosedRange<Int>, default: String? = nil,
    _ help: String
  ) -> Option {
    Option(name, short: nil, placeholder: placeholder, defaultText: `default`, help) {
      text throws(UsageError) in
      guard let bytes = Quantity.parseBytes(text) else {
        throw UsageError("\(name) needs a number of bytes such as 512M, not '\(text)'")
      }
      guard range.contains(bytes) else {
        throw UsageError(
          "\(name) must be from \(Quantity.bytes(UInt64(range.lowerBound))) to "
            + Quantity.bytes(UInt64(range.upperBound)))
      }
      return bytes
    }
  }
}

extension Option where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
  /// One of the names of an enumeration's cases.
  static func choice(_ name: String, default: Value? = nil, _ help: String) -> Option {
    let names = Value.allCases.map(\.rawValue)
    return Option(
      name, short: nil, placeholder: names.joined(separator: "|"), defaultText: `default`?.rawValue,
      help
    ) { text throws(UsageError) in
      guard let value = Value(rawValue: text) else {
        throw UsageError("\(name) must be one of \(names.joined(separator: ", ")), not '\(text)'")
      }
      return value
    }
  }
}
