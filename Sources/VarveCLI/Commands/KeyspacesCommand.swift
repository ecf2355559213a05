import Varve

/// `varve keyspaces`: which there are.
enum KeyspacesCommand {
  static let specification = CommandSpecification(
    name: "keyspaces", summary: "list the keyspaces of a store",
    notes: [
      "A line is a name, a tab, and about how many bytes its entries take."
    ],
    operands: [.store], options: [Option.json.specification],
    examples: [
      .init("varve keyspaces catalog.varve", "Names and sizes."),
      .init("varve keyspaces catalog.varve --json", "With the policy of each."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let output = invocation.output
    try StoreSession.reading(invocation.arguments[.store]) { store in
      for keyspace in store.keyspaces {
        let size = try keyspace.approximateSize()
        if invocation.arguments[.json] {
          try output.write(json: { $0.keyspace(keyspace, size) })
        } else {
          let name = EscapedText.text(Array(keyspace.name.utf8))
          try output.write(line: "\(name)\t\(size)")
        }
      }
    }
    return .good
  }
}

extension JSONWriter {
  fileprivate mutating func keyspace(_ keyspace: Keyspace, _ size: UInt64) {
    let policy = keyspace.policy
    object { writer in
      writer.member("name", keyspace.name)
      writer.member("approximate_bytes", size)
      writer.member("compression", "\(policy.compression)")
      writer.name("time_to_live_ms")
      if let life = policy.timeToLiveMilliseconds { writer.number(life) } else { writer.null() }
      writer.member("large_value_bytes", policy.largeValueBytes)
      writer.member("value_alignment", policy.valueAlignment)
      writer.member("block_bytes", policy.blockBytes)
      writer.member("filter_bits_per_key", policy.filterBitsPerKey)
      if let bytes = policy.valueBytes { writer.member("value_bytes", bytes) }
    }
  }
}
