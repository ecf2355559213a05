import Varve

/// `varve export`: everything, as JSON Lines that `varve import` reads back byte for byte.
enum ExportCommand {
  private static let keyspace = Option.text(
    "--keyspace", short: "k", "NAME", default: "all of them", "only this keyspace")
  private static let hex = Option.flag("--hex", "every key and value in hexadecimal")

  static let specification = CommandSpecification(
    name: "export", summary: "write all entries as JSON Lines",
    notes: [
      "One object a line: {\"key\": ..., \"value\": ...}, both as strings. Bytes that are not UTF-8 are"
        + " hexadecimal, in \"key_hex\" or \"value_hex\" instead. Entries of another keyspace than the"
        + " default one name it in \"keyspace\", unless --keyspace asks for one alone; those that"
        + " expire have \"expires\", milliseconds since 1970.",
      "'varve import' of that into an empty store gives the same 'varve digest', whatever the bytes"
        + " are. How a keyspace keeps its entries is not exported. Shows one moment of the store.",
    ],
    operands: [.store],
    options: [keyspace.specification, hex.specification, Option.json.specification],
    examples: [
      .init("varve export catalog.varve > catalog.jsonl", "Writes the whole store to a file."),
      .init(
        "varve export old.varve | varve import new.varve -", "Copies all entries to another store."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    try StoreSession.reading(arguments[.store]) { store in
      let snapshot = try store.snapshot()
      guard let name = arguments[keyspace] else {
        for keyspace in store.keyspaces {
          let isDefault = keyspace.name == SegmentStore.defaultKeyspaceName
          try export(keyspace, at: snapshot, isDefault ? nil : keyspace.name, invocation)
        }
        return
      }
      try export(try store.keyspace(toRead: name), at: snapshot, nil, invocation)
    }
    return .good
  }

  private static func export(
    _ keyspace: Keyspace, at snapshot: Snapshot, _ name: String?, _ invocation: Invocation
  ) throws {
    let asHex = invocation.arguments[hex]
    var cursor = try keyspace.cursor(at: snapshot)
    while try cursor.next() {
      try invocation.output.write(
        entry: cursor.key, cursor.value, expiry: cursor.expiry, keyspace: name, asHex: asHex)
    }
  }
}
