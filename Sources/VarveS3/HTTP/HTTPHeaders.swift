/// A header's name, in lower case, and its value.
struct HTTPField: Hashable, Sendable {
  let name: String
  let value: String
}

extension HTTPField: CustomStringConvertible, CustomReflectable {
  /// The name alone: some values are secrets.
  var description: String { name }
  var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The headers of a request or an answer. Names are asked for in lower case.
struct HTTPHeaders: Sendable {
  private(set) var fields: [HTTPField] = []

  init(_ pairs: [(String, String)] = []) {
    for (name, value) in pairs { add(name, value) }
  }

  /// The first value of a header.
  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

  /// Gives a header its only value.
  mutating func set(_ name: String, _ value: String) {
    fields.removeAll { $0.name == name }
    add(name, value)
  }

  mutating func add(_ name: String, _ value: String) {
    fields.append(HTTPField(name: name.lowercased(), value: value))
  }

  /// A header that is a number of at most 18 digits; nil where it is missing or anything else.
  func number(_ name: String) -> UInt64? { self[name].flatMap(UInt64.init(digits:)) }

  /// Whether no value has a control character, which would begin another header.
  var canBeSent: Bool {
    fields.allSatisfy { field in
      (field.name + field.value).utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }
    }
  }
}

extension UInt64 {
  /// Digits and nothing else: no sign, no blank.
  init?(digits text: some StringProtocol) {
    guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
      return nil
    }
    self.init(text)
  }
}
