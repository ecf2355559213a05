import Varve
import VarveFormat

/// `varve put`: stores one value.
enum PutCommand {
  private static let value = Operand(
    name: "VALUE", help: "the value, as text; hexadecimal with --hex; - reads standard input")
  private static let timeToLive = Option.count(
    "--ttl", "SECONDS", in: 1...(1 << 40), "the entry expires so many seconds from now")

  static let specification = CommandSpecification(
    name: "put", summary: "store a value under a key",
    notes: [
      "Makes the store and the keyspace when they are missing. Returns when the value is on disk, or"
        + " with --durability buffered when the system has it. Standard input is taken as it is, with"
        + " --hex too."
    ],
    operands: [.store, .key, value],
    options: [
      Option.keyspace.specification, Option.hex.specification, timeToLive.specification,
      DurabilityChoice.option.specification, Option.withoutBucket.specification,
      Option.json.specification,
    ],
    examples: [
      .init("varve put catalog.varve zsh 'The Z shell'", "Stores a text."),
      .init("varve put catalog.varve logo - < logo.png", "Stores a file."),
      .init("varve put catalog.varve --hex 00ff 01", "Stores one byte under a key of two bytes."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let key = try KeyText.bytes(arguments[.key], isHex: arguments[.hex], "KEY")
    let bytes =
      arguments[value] == "-"
      ? try InputFile.contents(of: "-", limit: Limits.valueBytes)
      : try KeyText.bytes(arguments[value], isHex: arguments[.hex], "VALUE")
    let life = arguments[timeToLive].map { UInt64($0) * 1000 }
    try StoreSession.writing(
      arguments[.store], creates: true, goesOnAlone: arguments[.withoutBucket]
    ) { store in
      try store.keyspace(toWrite: arguments[.keyspace]).put(
        key, bytes, durability: (arguments[DurabilityChoice.option] ?? .synced).durability,
        expiresIn: life)
    }
    guard arguments[.json] else { return .good }
    try invocation.output.write(json: { writer in
      writer.object { writer in
        writer.member("key", bytes: key.span, asHex: arguments[.hex])
        writer.member("bytes", bytes.count)
      }
    })
    return .good
  }
}

/// The names of ``Durability`` on the command line.
enum DurabilityChoice: String, CaseIterable {
  case synced, remote, buffered

  static let option = Option<DurabilityChoice>.choice(
    "--durability", default: .synced,
    "wait for the disk, for the bucket too, or for the operating system only")

  var durability: Durability {
    switch self {
    case .synced: .synced
    case .remote: .remote
    case .buffered: .buffered
    }
  }
}
