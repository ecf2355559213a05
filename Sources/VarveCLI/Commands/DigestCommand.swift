import Varve

/// `varve digest`: one hash over everything that can be read.
enum DigestCommand {
  private static let keyspace = Option.text(
    "--keyspace", short: "k", "NAME", default: "all of them", "only this keyspace's entries")

  static let specification = CommandSpecification(
    name: "digest", summary: "one SHA-256 over all live entries",
    notes: [
      "Equal contents have equal digests, whatever files they lie in: before and after a compaction,"
        + " in a store and in its copy by export and import.",
      "Hashed are, for each keyspace that has a live entry, by name: the byte 01, the length of the"
        + " name as u32, the name; then for each of its live entries, by key: the byte 02, the length"
        + " of the key as u32, the key, the length of the value as u64, the value. Lengths are"
        + " little-endian. With --keyspace only its entries are hashed, without the name.",
    ],
    operands: [.store],
    options: [keyspace.specification, Option.json.specification],
    examples: [
      .init("varve digest catalog.varve", "64 digits for the whole store."),
      .init(
        "varve digest catalog.varve --keyspace packages --json", "One keyspace, for a program."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    var digest = StoreDigest()
    try StoreSession.reading(arguments[.store]) { store in
      let snapshot = try store.snapshot()
      if let name = arguments[keyspace] {
        try digest.add(try store.keyspace(toRead: name), at: snapshot, named: false)
      } else {
        for keyspace in store.keyspaces.sorted(by: isBefore) {
          try digest.add(keyspace, at: snapshot, named: true)
        }
      }
    }
    let text = digest.finish()
    guard arguments[.json] else {
      try invocation.output.write(line: text)
      return .good
    }
    try invocation.output.write(json: { writer in
      writer.object { writer in
        writer.member("sha256", text)
        writer.member("entries", digest.entryCount)
        writer.member("bytes", digest.byteCount)
      }
    })
    return .good
  }

  /// By the bytes of the names, not by how people sort text.
  private static func isBefore(_ left: Keyspace, _ right: Keyspace) -> Bool {
    left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
  }
}
