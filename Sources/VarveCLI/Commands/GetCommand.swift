import Varve

/// `varve get`: the value of one key.
enum GetCommand {
  static let specification = CommandSpecification(
    name: "get", summary: "write the value of a key",
    notes: [
      "Writes the bytes of the value and nothing else; a line feed follows only on a terminal. With"
        + " --hex the value is written in hexadecimal, with a line feed. Where the key is absent"
        + " nothing is written and the exit status is 1."
    ],
    operands: [.store, .key],
    options: [
      Option.keyspace.specification, Option.hex.specification, Option.json.specification,
    ],
    examples: [
      .init("varve get catalog.varve zsh", "Shows a value."),
      .init("varve get catalog.varve logo > logo.png", "Writes a value to a file."),
      .init(
        "varve get catalog.varve zsh --json",
        "Answers {\"found\":true,\"key\":\"zsh\",\"value\":...}."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    let key = try KeyText.bytes(arguments[.key], isHex: arguments[.hex], "KEY")
    return try StoreSession.reading(arguments[.store]) { store in
      let keyspace = try store.keyspace(toRead: arguments[.keyspace])
      let found: Void? = try keyspace.withValue(for: key) { value in
        try write(key, value, invocation)
      }
      if found != nil { return .good }
      try writeAbsence(of: key, invocation)
      return .negative
    }
  }

  private static func write(
    _ key: [UInt8], _ value: Span<UInt8>, _ invocation: Invocation
  ) throws {
    let output = invocation.output
    let asHex = invocation.arguments[.hex]
    if invocation.arguments[.json] {
      return try output.append { buffer in
        buffer.append(contentsOf: "{\"found\":true,".utf8)
        JSONWriter.appendMember("key", key.span, asHex: asHex, to: &buffer)
        buffer.append(UInt8(ascii: ","))
        JSONWriter.appendMember("value", value, asHex: asHex, to: &buffer)
        buffer.append(contentsOf: "}\n".utf8)
      }
    }
    try output.append { buffer in
      if asHex {
        Hexadecimal.append(value, to: &buffer)
      } else {
        buffer.append(contentsOf: [UInt8](copying: value))
      }
      if asHex || output.isTerminal { buffer.append(0x0a) }
    }
  }

  private static func writeAbsence(of key: [UInt8], _ invocation: Invocation) throws {
    guard invocation.arguments[.json] else { return invocation.messages.say("varve: no such key") }
    try invocation.output.write(json: { writer in
      writer.object { writer in
        writer.member("found", false)
        writer.member("key", bytes: key.span, asHex: invocation.arguments[.hex])
      }
    })
  }
}
