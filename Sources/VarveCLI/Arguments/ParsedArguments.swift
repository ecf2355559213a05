/// What a command line said, checked against the command's table.
///
/// Asking for an option or operand that the table does not list is a mistake of ours, and traps.
struct ParsedArguments: Sendable {
  private let specification: CommandSpecification
  private var operands: [String] = []
  private var values: [String: String] = [:]

  /// Reads `words`, the command line after the command's name.
  ///
  /// `--name value` and `--name=value` are the same; `-k value` and `-kvalue` too; flags may share
  /// one hyphen; after `--` everything is an operand, and so is a lone `-` anywhere. No option may
  /// stand twice. Missing operands are only missed where `--help` was not given.
  init(_ words: [String], for specification: CommandSpecification) throws(UsageError) {
    self.specification = specification
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        break
      } else if word.hasPrefix("--") {
        try readLong(word, &rest)
      } else if word.hasPrefix("-"), word != "-" {
        try readShort(word, &rest)
      } else {
        operands.append(word)
      }
    }
    if values[Option.help.specification.name] == nil { try checkOperands() }
    try checkExclusive()
  }

  subscript(_ option: Option<Bool>) -> Bool { text(of: option.specification) != nil }

  /// The value given for `option`, or nil where it was left out.
  subscript<Value>(_ option: Option<Value>) -> Value? {
    guard let text = text(of: option.specification) else { return nil }
    // The text was checked when it was parsed, by this same function.
    return try? option.read(text)
  }

  /// A required operand.
  subscript(_ operand: Operand) -> String {
    guard let text = self[optional: operand] else {
      preconditionFailure("\(operand.name) is not a required operand of \(specification.name)")
    }
    return text
  }

  subscript(optional operand: Operand) -> String? {
    guard let index = specification.operands.firstIndex(where: { $0.name == operand.name }) else {
      preconditionFailure("\(operand.name) is not in the table of \(specification.name)")
    }
    return index < operands.count ? operands[index] : nil
  }

  /// Whether nothing but the answer and what went wrong is to be said.
  var isQuiet: Bool {
    [Option.json.specification.name, Option.quiet.specification.name].contains { values[$0] != nil }
  }

  private func text(of option: OptionSpecification) -> String? {
    precondition(
      specification.allOptions.contains { $0.name == option.name },
      "\(option.name) is not in the table of \(specification.name)")
    return values[option.name]
  }
}

extension CommandSpecification {
  /// The command's own options and the one that all have.
  var allOptions: [OptionSpecification] { options + [Option.help.specification] }
}

// MARK: - Reading one word

extension ParsedArguments {
  private mutating func readLong(
    _ word: String, _ rest: inout ArraySlice<String>
  ) throws(UsageError) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = specification.allOptions.first(where: { $0.name == name }) else {
      throw unknown(name)
    }
    if parts.count == 2 {
      guard !option.isFlag else { throw UsageError("\(name) takes no value") }
      try record(option, String(parts[1]))
    } else {
      try record(option, try value(for: option, &rest))
    }
  }

  private mutating func readShort(
    _ word: String, _ rest: inout ArraySlice<String>
  ) throws(UsageError) {
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      guard let option = specification.allOptions.first(where: { $0.short == letter }) else {
        throw UsageError(
          "unknown option '-\(letter)'; a value that begins with a hyphen goes after '--'")
      }
      if option.isFlag {
        try record(option, "")
      } else if letters.isEmpty {
        try record(option, try value(for: option, &rest))
      } else {
        try record(option, String(letters))
        return
      }
    }
  }

  private func value(
    for option: OptionSpecification, _ rest: inout ArraySlice<String>
  ) throws(UsageError) -> String {
    if option.isFlag { return "" }
    guard let value = rest.popFirst() else {
      throw UsageError("\(option.name) needs a value: \(option.placeholder ?? "")")
    }
    return value
  }

  private mutating func record(
    _ option: OptionSpecification, _ text: String
  ) throws(UsageError) {
    guard values[option.name] == nil else { throw UsageError("\(option.name) is given twice") }
    try option.check(text)
    values[option.name] = text
  }

  private func unknown(_ name: String) -> UsageError {
    let names = specification.allOptions.map(\.name)
    guard let near = Spelling.nearest(to: name, in: names) else {
      return UsageError("unknown option '\(name)'")
    }
    return UsageError("unknown option '\(name)'; did you mean '\(near)'?")
  }
}

// MARK: - Checking the whole

extension ParsedArguments {
  private func checkOperands() throws(UsageError) {
    let required = specification.operands.count(where: \.isRequired)
    if operands.count < required {
      let missing = specification.operands[operands.count..<required].map(\.name)
      throw UsageError("missing \(missing.joined(separator: " and "))")
    }
    if operands.count > specification.operands.count {
      throw UsageError("'\(operands[specification.operands.count])' is one argument too many")
    }
  }

  private func checkExclusive() throws(UsageError) {
    for group in specification.exclusive {
      let given = group.filter { values[$0] != nil }
      if given.count > 1 {
        throw UsageError("\(given.joined(separator: " and ")) exclude each other")
      }
    }
  }
}
