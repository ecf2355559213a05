import Testing

@testable import VarveCLI

private enum Colour: String, CaseIterable {
  case red, green
}

private let keyspace = Option<String>.keyspace
private let hex = Option<Bool>.hex
private let limit = Option<Int>.count("--limit", short: "n", "N", in: 1...100, "at most so many")
private let colour = Option<Colour>.choice("--colour", default: .red, "what colour")
private let name = Operand(name: "NAME", help: "optional", isRequired: false)

private let table = CommandSpecification(
  name: "paint", summary: "paint a store", notes: ["A note."], operands: [.store, .key, name],
  options: [
    keyspace.specification, hex.specification, limit.specification, colour.specification,
    Option.flag("--quick", short: "q", "quickly").specification,
  ],
  exclusive: [["--limit", "--colour"]], examples: [.init("varve paint a b", "Paints b.")],
  run: { _ in .good })

private func parse(_ words: [String]) throws -> ParsedArguments {
  try ParsedArguments(words, for: table)
}

private func complaint(_ words: [String]) -> String? {
  do {
    _ = try parse(words)
    return nil
  } catch {
    return (error as? UsageError)?.message
  }
}

@Suite("Command lines")
struct ArgumentTests {
  @Test(
    "reads an option before, between and after operands, joined or apart",
    arguments: [
      ["--keyspace", "x", "S", "K"], ["S", "--keyspace=x", "K"], ["S", "K", "-k", "x"],
      ["S", "-kx", "K"], ["-qkx", "S", "K"], ["-k", "x", "--", "S", "K"],
    ])
  func readsOptions(_ words: [String]) throws {
    let arguments = try parse(words)
    #expect(arguments[keyspace] == "x")
    #expect(arguments[.store] == "S")
    #expect(arguments[.key] == "K")
    #expect(arguments[optional: name] == nil)
    #expect(arguments[hex] == false)
  }

  @Test("takes values that begin with hyphens, and operands after --")
  func readsHyphens() throws {
    #expect(try parse(["--keyspace", "--x", "S", "K"])[keyspace] == "--x")
    #expect(try parse(["--keyspace=", "S", "K"])[keyspace] == "")
    #expect(try parse(["--keyspace=a=b", "S", "K"])[keyspace] == "a=b")
    let arguments = try parse(["S", "--hex", "--", "--hex", "-"])
    #expect(arguments[.key] == "--hex")
    #expect(arguments[optional: name] == "-")
    #expect(arguments[hex])
  }

  @Test("reads numbers and choices as such")
  func readsTypes() throws {
    #expect(try parse(["-n", "7", "S", "K"])[limit] == 7)
    #expect(try parse(["--colour=green", "S", "K"])[colour] == .green)
  }

  @Test(
    "says what is wrong",
    arguments: [
      ([], "missing STORE and KEY"), (["S"], "missing KEY"),
      (["S", "K", "N", "more"], "'more' is one argument too many"),
      (["--keyspcae", "x", "S", "K"], "did you mean '--keyspace'?"),
      (["--unheard-of"], "unknown option '--unheard-of'"), (["-z"], "unknown option '-z'"),
      (["S", "K", "--keyspace"], "--keyspace needs a value"), (["--hex=1"], "--hex takes no value"),
      (["--hex", "--hex"], "--hex is given twice"), (["-n", "x"], "--limit needs a whole number"),
      (["-n", "+5"], "--limit needs a whole number"),
      (["-n", "0"], "--limit must be from 1 to 100"),
      (["--colour", "blue"], "must be one of red, green"),
      (["S", "K", "-n1", "--colour=red"], "--limit and --colour exclude each other"),
    ] as [([String], String)])
  func complains(_ words: [String], _ message: String) {
    #expect(complaint(words)?.contains(message) == true, "\(complaint(words) ?? "nothing")")
  }

  @Test("asks for no operands where help is asked for")
  func helpNeedsNothing() throws {
    #expect(try parse(["--help"])[.help])
    #expect(try parse(["-h"])[.help])
  }

  @Test("writes help from the same table")
  func writesHelp() {
    let page = HelpText().page(of: table)
    #expect(
      page == """
        varve paint - paint a store

        Usage: varve paint STORE KEY [NAME] [options]

          STORE  the directory of the store
          KEY    the key, as text; hexadecimal with --hex
          NAME   optional

        Options:
          -k, --keyspace NAME     the keyspace to work on (default: the default one)
              --hex               keys and values are hexadecimal, two digits a byte
          -n, --limit N           at most so many
              --colour red|green  what colour (default: red)
          -q, --quick             quickly
          -h, --help              show this help

        A note.

        Examples:
          Paints b.
            varve paint a b

        """)
  }

  @Test("keeps help within the width, and every command's table whole", arguments: [72, 80, 100])
  func wrapsHelp(_ width: Int) {
    let help = HelpText(width: width)
    for command in Program.allCommands {
      let lines = help.page(of: command).split(separator: "\n")
      for line in lines where !line.hasPrefix("    ") && !line.hasPrefix("Usage:") {
        #expect(line.count <= width, "\(line)")
      }
      let names = command.allOptions.map(\.name)
      #expect(Set(names).count == names.count)
      let shorts = command.allOptions.compactMap(\.short)
      #expect(Set(shorts).count == shorts.count)
      #expect(command.exclusive.joined().allSatisfy(names.contains))
      #expect(!command.examples.isEmpty)
      #expect(!command.summary.hasSuffix("."))
    }
  }
}

@Suite("Spelling")
struct SpellingTests {
  @Test("counts the letters to change")
  func counts() {
    #expect(Spelling.distance("", "abc") == 3)
    #expect(Spelling.distance("kitten", "sitting") == 3)
    #expect(Spelling.distance("same", "same") == 0)
    #expect(Spelling.nearest(to: "exprot", in: ["import", "export"]) == "export")
    #expect(Spelling.nearest(to: "frobnicate", in: ["import", "export"]) == nil)
  }
}
