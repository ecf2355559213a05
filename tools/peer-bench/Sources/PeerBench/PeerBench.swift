import Foundation

/// Varve beside other engines, turn by turn.
@main
struct PeerBench {
  static func main() {
    do {
      let words = Array(CommandLine.arguments.dropFirst())
      if words.first == "trial", words.count == 2 { return try runTrial(words[1]) }
      let arguments = try Arguments(words)
      if arguments.wantsHelp { return print(Arguments.help) }
      try run(arguments)
    } catch {
      say("peer-bench: \(error)")
      exit(1)
    }
  }

  /// This process was started to do one trial.
  private static func runTrial(_ words: String) throws {
    let trial = try JSONDecoder().decode(Trial.self, from: Data(words.utf8))
    let result = try trial.run()
    FileHandle.standardOutput.write(try JSONEncoder().encode(result))
  }

  private static func run(_ arguments: Arguments) throws {
    let workplace = try Workplace(below: arguments.directory)
    defer { workplace.removeAll() }
    let interruption = Interruption()
    defer { interruption.cancel() }
    if arguments.isScaling {
      try Scaling(arguments, workplace).run(progress: say).publish(to: arguments)
    } else {
      try compare(arguments, workplace).publish(to: arguments)
    }
  }

  private static func compare(_ arguments: Arguments, _ workplace: Workplace) throws -> Report {
    let start = ContinuousClock().now
    var results: [WorkloadResult] = []
    for pass in arguments.passes {
      let shelf = StoreShelf(workplace)
      let comparison = Comparison(
        arguments, pass: pass, known: results, Turn(workplace: workplace, shelf: shelf))
      try comparison.run(progress: say)
      results += comparison.results
      shelf.removeAll()
    }
    let seconds = start.duration(to: ContinuousClock().now) / .seconds(1)
    return Report(arguments, results, seconds: seconds)
  }

  private static func say(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}
