/// The executable `varve`.
@main
enum Main {
  static func main() {
    SystemCalls.ignoreBrokenPipes()
    let output = Output(
      descriptor: 1, isTerminal: SystemCalls.isTerminal(1), style: style(descriptor: 1))
    let messages = Messages(
      descriptor: 2, isTerminal: SystemCalls.isTerminal(2), style: style(descriptor: 2))
    guard let words = SystemCalls.argumentsIfText() else {
      messages.say("varve: an argument is not UTF-8; --hex takes keys and values of any bytes")
      SystemCalls.exit(.usage)
    }
    let program = Program(commands: Program.allCommands, output: output, messages: messages)
    SystemCalls.exit(program.run(words))
  }

  private static func style(descriptor: Int32) -> Style {
    .suited(
      toTerminal: SystemCalls.isTerminal(descriptor),
      noColour: SystemCalls.environment("NO_COLOR"),
      terminalName: SystemCalls.environment("TERM"))
  }
}
