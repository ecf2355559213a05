/// A command as one table: its operands, its options, its help, and what runs it.
struct CommandSpecification: Sendable {
  struct Example: Sendable {
    var line: String
    var meaning: String

    init(_ line: String, _ meaning: String) {
      self.line = line
      self.meaning = meaning
    }
  }

  var name: String
  /// One line, beginning in lower case, without a full stop.
  var summary: String
  /// Paragraphs below the options, each wrapped by itself.
  var notes: [String] = []
  var operands: [Operand]
  var options: [OptionSpecification] = []
  /// Of each group at most one option may be given.
  var exclusive: [[String]] = []
  var examples: [Example]
  var run: @Sendable (Invocation) throws -> ExitStatus
}

/// An argument that is told by its place.
struct Operand: Sendable {
  var name: String
  var help: String
  /// Optional operands stand after all required ones.
  var isRequired = true

  static let store = Operand(name: "STORE", help: "the directory of the store")
  static let key = Operand(name: "KEY", help: "the key, as text; hexadecimal with --hex")
}

/// One run of a command: what was asked, and where answers go.
struct Invocation {
  var arguments: ParsedArguments
  var output: Output
  var messages: Messages
}

// MARK: - Options that several commands have

extension Option where Value == Bool {
  static let help = Option.flag("--help", short: "h", "show this help")
  static let json = Option.flag("--json", "answer in JSON")
  static let quiet = Option.flag("--quiet", short: "q", "show no progress")
  static let withoutBucket = Option.flag(
    "--without-bucket",
    "go on where the store's bucket does not answer, or is full: it follows later")
  static let hex = Option.flag("--hex", "keys and values are hexadecimal, two digits a byte")
}

extension Option where Value == String {
  static let keyspace = Option.text(
    "--keyspace", short: "k", "NAME", default: "the default one", "the keyspace to work on")
}

extension Option where Value == Int {
  static let memory = Option.bytes(
    "--memory", "SIZE", in: (8 << 20)...(1 << 44), default: "a quarter of it, up to 1G",
    "memory the store may use, in bytes or with K, M, G")
}
