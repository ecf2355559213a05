import Varve

/// `varve delete`: removes one key.
enum DeleteCommand {
  static let specification = CommandSpecification(
    name: "delete", summary: "remove a key",
    notes: [
      "Where the key is absent nothing changes and the exit status is 1."
    ],
    operands: [.store, .key],
    options: [
      Option.keyspace.specification, Option.hex.specification,
      DurabilityChoice.option.specification, Option.withoutBucket.specification,
      Option.json.specification,
    ],
    examples: [
      .init("varve delete catalog.varve csh", "Removes a key."),
      .init("varve delete catalog.varve -k users -- -k", "Removes the key \"-k\"."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let key = try KeyText.bytes(arguments[.key], isHex: arguments[.hex], "KEY")
    let wasThere = try StoreSession.writing(
      arguments[.store], creates: false, goesOnAlone: arguments[.withoutBucket]
    ) { store in
      let keyspace = try store.keyspace(toRead: arguments[.keyspace])
      guard try keyspace.contains(key) else { return false }
      try keyspace.delete(
        key, durability: (arguments[DurabilityChoice.option] ?? .synced).durability)
      return true
    }
    if arguments[.json] {
      try invocation.output.write(json: { writer in
        writer.object { writer in
          writer.member("deleted", wasThere)
          writer.member("key", bytes: key.span, asHex: arguments[.hex])
        }
      })
    } else if !wasThere {
      invocation.messages.say("varve: no such key")
    }
    return wasThere ? .good : .negative
  }
}
