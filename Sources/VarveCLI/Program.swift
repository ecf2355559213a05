import Varve

/// From the words of a command line to an exit status.
struct Program {
  /// The version of this program; the version of the format stands in every file's header.
  static let version = "0.1.0"

  var commands: [CommandSpecification]
  var output: Output
  var messages: Messages

  /// Runs what `words` ask for, everything after the program's own name. Whatever goes wrong ends
  /// in one line on standard error and a status, never in a trap.
  func run(_ words: [String]) -> ExitStatus {
    do {
      let status = try dispatch(words)
      // A reader that went away changes nothing about the answer.
      do { try output.flush() } catch is Output.Closed {}
      return status
    } catch {
      return explain(error)
    }
  }

  private func dispatch(_ words: [String]) throws -> ExitStatus {
    guard let first = words.first else {
      messages.write(help(messages).overview(of: commands))
      return .usage
    }
    switch first {
    case "--help", "-h", "help":
      return try showHelp(about: Array(words.dropFirst()))
    case "--version":
      try showVersion(asJSON: words.contains("--json"))
      return .good
    default: break
    }
    guard !first.hasPrefix("-") else {
      throw UsageError("'\(first)' stands before any command; try 'varve --help'")
    }
    guard first == RemoteCommands.prefix else {
      return try run(try command(first), Array(words.dropFirst()))
    }
    return try dispatchRemote(Array(words.dropFirst()))
  }

  /// Runs a command of two words; `words` are those behind the first one.
  private func dispatchRemote(_ words: [String]) throws -> ExitStatus {
    let prefix = RemoteCommands.prefix
    guard let second = words.first else {
      messages.write(help(messages).overview(of: RemoteCommands.all, below: prefix))
      return .usage
    }
    if ["--help", "-h", "help"].contains(second) {
      return try showHelp(about: [prefix] + words.dropFirst())
    }
    guard !second.hasPrefix("-") else {
      throw UsageError("'\(second)' stands before any command; try 'varve \(prefix) --help'")
    }
    return try run(try command("\(prefix) \(second)"), Array(words.dropFirst()))
  }

  private func run(_ command: CommandSpecification, _ words: [String]) throws -> ExitStatus {
    let arguments: ParsedArguments
    do {
      arguments = try ParsedArguments(words, for: command)
    } catch {
      let advice = error.message.hasSuffix("?") ? "" : "; try 'varve \(command.name) --help'"
      throw UsageError("\(command.name): \(error.message)\(advice)")
    }
    if arguments[.help] {
      try output.write(help(output).page(of: command))
      return .good
    }
    let note = arguments.isQuiet ? nil : WaitingNote(messages)
    defer { note?.close() }
    return try WaitingNote.$current.withValue(note) {
      try command.run(Invocation(arguments: arguments, output: output, messages: messages))
    }
  }

  private func command(_ name: String) throws -> CommandSpecification {
    if let command = commands.first(where: { $0.name == name }) { return command }
    guard let near = Spelling.nearest(to: name, in: commands.map(\.name)) else {
      let prefix = name.hasPrefix(RemoteCommands.prefix + " ") ? RemoteCommands.prefix + " " : ""
      throw UsageError("there is no command '\(name)'; try 'varve \(prefix)--help'")
    }
    throw UsageError("there is no command '\(name)'; did you mean '\(near)'?")
  }
}

// MARK: - Help and version

extension Program {
  /// Help about the command that `words` name, or about all of them.
  private func showHelp(about words: [String]) throws -> ExitStatus {
    let names = words.prefix { !$0.hasPrefix("-") }
    let prefix = RemoteCommands.prefix
    switch names.first {
    case nil: try output.write(help(output).overview(of: commands))
    case prefix where names.count == 1:
      try output.write(help(output).overview(of: RemoteCommands.all, below: prefix))
    case let first?:
      let name = first == prefix ? names.prefix(2).joined(separator: " ") : first
      try output.write(help(output).page(of: try command(name)))
    }
    return .good
  }

  private func help(_ output: Output) -> HelpText {
    HelpText(width: output.isTerminal ? min(100, messages.width) : 80, style: output.style)
  }

  private func help(_ messages: Messages) -> HelpText {
    HelpText(width: 80, style: messages.style)
  }

  private func showVersion(asJSON: Bool) throws {
    guard asJSON else {
      return try output.write(line: "varve \(Self.version) (format \(FormatVersion.current))")
    }
    try output.write(json: { writer in
      writer.object { writer in
        writer.member("version", Self.version)
        writer.member("format", FormatVersion.current)
      }
    })
  }
}

// MARK: - Errors

extension Program {
  /// Says what went wrong on standard error.
  private func explain(_ error: any Error) -> ExitStatus {
    switch error {
    case is Output.Closed: return .good
    case let error as UsageError:
      say(error.message)
      return .usage
    case let error as CommandFailure: say(error.message)
    case let error as StoreError: say(StoreAdvice.text(for: error))
    default: say("\(error)")
    }
    // What was already answered is still worth having.
    try? output.flush()
    return .failed
  }

  private func say(_ message: String) {
    messages.say("\(messages.style.bad("varve:")) \(message)")
  }
}
