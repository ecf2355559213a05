import Varve

/// `varve scan`: entries in the order of their keys.
enum ScanCommand {
  private static let prefix = Option.text(
    "--prefix", short: "p", "KEY", "only keys that begin so")
  private static let from = Option.text("--from", "KEY", "from this key on")
  private static let to = Option.text("--to", "KEY", "up to this key, which is left out")
  private static let reverse = Option.flag(
    "--reverse", short: "r", "from the last key to the first")
  private static let limit = Option.count(
    "--limit", short: "n", "N", in: 0...Int.max, "at most so many entries")
  private static let keysOnly = Option.flag("--keys-only", "no values: none is read")

  static let specification = CommandSpecification(
    name: "scan", summary: "list entries in key order",
    notes: [
      "A line is a key, a tab and its value, in which backslashes, control characters and bytes that"
        + " are not UTF-8 are escaped: \\\\ \\t \\n \\r \\xNN. With --hex both are hexadecimal; with"
        + " --json each line is an object as 'varve export' writes it. Shows one moment of the store."
    ],
    operands: [.store],
    options: [
      Option.keyspace.specification, prefix.specification, from.specification, to.specification,
      reverse.specification, limit.specification, keysOnly.specification,
      Option.hex.specification, Option.json.specification,
    ],
    exclusive: [["--prefix", "--from"], ["--prefix", "--to"]],
    examples: [
      .init("varve scan catalog.varve --prefix lib --keys-only", "All keys that begin with lib."),
      .init("varve scan catalog.varve --reverse --limit 10", "The last ten entries."),
      .init("varve scan catalog.varve --from b --to d --json", "Keys from b up to before d."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let range = try range(arguments)
    let output = invocation.output
    try StoreSession.reading(arguments[.store]) { store in
      var cursor = try store.keyspace(toRead: arguments[.keyspace]).cursor(
        range, order: arguments[reverse] ? .descending : .ascending,
        readsValues: !arguments[keysOnly])
      var left = arguments[limit] ?? .max
      while left > 0, try cursor.next() {
        left -= 1
        if arguments[.json] {
          try output.write(
            entry: cursor.key, cursor.value, showsValue: !arguments[keysOnly],
            expiry: cursor.expiry, asHex: arguments[.hex])
        } else {
          try output.write(
            textOf: cursor.key, cursor.value, showsValue: !arguments[keysOnly],
            asHex: arguments[.hex])
        }
      }
    }
    return .good
  }

  private static func range(_ arguments: ParsedArguments) throws -> KeyRange {
    func key(_ option: Option<String>) throws -> [UInt8]? {
      try arguments[option].map {
        try KeyText.bytes($0, isHex: arguments[.hex], option.specification.name)
      }
    }
    if let prefix = try key(prefix) { return KeyRange(prefix: prefix) }
    return KeyRange(from: try key(from), to: try key(to))
  }
}
