/// Help, written from the same tables that parsing reads.
struct HelpText {
  /// Letters a line may have.
  var width = 80
  var style = Style.plain

  /// What `varve --help` prints.
  func overview(of commands: [CommandSpecification]) -> String {
    var lines = [
      "\(style.bold("varve")) - look into and change Varve stores", "",
      "\(style.bold("Usage:")) varve COMMAND [options] ...", "",
      style.bold("Commands:"),
    ]
    let rows = commands.map { (left: $0.name, right: $0.summary) }
    lines += columns(rows)
    lines += ["", style.bold("Everywhere:")]
    lines += columns([
      ("--help", "help, for a command with its options and examples"),
      ("--version", "the version of this program and of the format it writes"),
      ("--json", "answer in JSON, for programs"),
      ("--hex", "keys and values in hexadecimal, on the command line and in answers"),
      ("--", "what follows is never an option, even where it begins with a hyphen"),
    ])
    lines += ["", style.bold("Exit status:")]
    lines += columns([
      ("0", "it worked"), ("1", "it worked and the answer is no: an absent key, damage found"),
      ("2", "the command line is wrong"), ("3", "it could not be done"),
    ])
    lines.append("")
    lines += wrap(
      "Data goes to standard output, everything else to standard error. Colour appears only on a"
        + " terminal, and never where NO_COLOR is set.", indent: 0)
    return lines.joined(separator: "\n") + "\n"
  }

  /// What `varve PREFIX --help` prints: the commands whose names begin with that word.
  func overview(of commands: [CommandSpecification], below prefix: String) -> String {
    var lines = [
      "\(style.bold("varve " + prefix)) - a store and its bucket", "",
      "\(style.bold("Usage:")) varve \(prefix) COMMAND [options] ...", "",
      style.bold("Commands:"),
    ]
    lines += columns(commands.map { (String($0.name.dropFirst(prefix.count + 1)), $0.summary) })
    lines += ["", "'varve \(prefix) COMMAND --help' tells of one, with its options and examples."]
    return lines.joined(separator: "\n") + "\n"
  }

  /// What `varve COMMAND --help` prints.
  func page(of command: CommandSpecification) -> String {
    var lines = ["\(style.bold("varve " + command.name)) - \(command.summary)", ""]
    lines += usage(of: command)
    lines.append("")
    lines += columns(command.operands.map { ($0.name, $0.help) })
    lines += ["", style.bold("Options:")]
    lines += columns(command.allOptions.map { (signature(of: $0), explanation(of: $0)) })
    for note in command.notes {
      lines.append("")
      lines += wrap(note, indent: 0)
    }
    lines += ["", style.bold("Examples:")]
    for example in command.examples {
      lines += wrap(example.meaning, indent: 2).map(style.faint)
      lines.append("    " + example.line)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The line that shows the order of operands.
  func usage(of command: CommandSpecification) -> [String] {
    let operands = command.operands.map { $0.isRequired ? $0.name : "[\($0.name)]" }
    let words = ["varve", command.name] + operands + ["[options]"]
    return ["\(style.bold("Usage:")) \(words.joined(separator: " "))"]
  }
}

// MARK: - Layout

extension HelpText {
  private func signature(of option: OptionSpecification) -> String {
    let short = option.short.map { "-\($0), " } ?? "    "
    return short + option.name + (option.placeholder.map { " \($0)" } ?? "")
  }

  private func explanation(of option: OptionSpecification) -> String {
    guard let text = option.defaultText else { return option.help }
    return "\(option.help) (default: \(text))"
  }

  /// Two columns, the right one wrapped; a left side that is too long gets its own line.
  private func columns(_ rows: [(left: String, right: String)]) -> [String] {
    let room = min(26, rows.map(\.left.count).max() ?? 0)
    var lines: [String] = []
    for row in rows {
      var wrapped = wrap(row.right, indent: room + 4)
      if row.left.count <= room, !wrapped.isEmpty {
        let gap = String(repeating: " ", count: room - row.left.count)
        wrapped[0] = "  \(row.left)\(gap)  " + wrapped[0].dropFirst(room + 4)
      } else {
        lines.append("  " + row.left)
      }
      lines += wrapped
    }
    return lines
  }

  /// Breaks text between words so that lines fit the width; a longer word stands alone.
  func wrap(_ text: String, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, indent + line.count + 1 + word.count > width {
        lines.append(margin + line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    if !line.isEmpty { lines.append(margin + line) }
    return lines
  }
}
