import Dispatch
import Foundation

/// Fill, read and scan: Varve beside other engines, in one process, turn by turn.
@main
struct PeerBench {
  static func main() {
    do {
      let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
      if arguments.wantsHelp { return print(Arguments.help) }
      try run(arguments)
    } catch {
      say("peer-bench: \(error)")
      exit(1)
    }
  }

  private static func run(_ arguments: Arguments) throws {
    let workplace = try Workplace(below: arguments.directory)
    defer { workplace.removeAll() }
    let interrupts = removingOnInterrupt(workplace.path)
    defer { for interrupt in interrupts { interrupt.cancel() } }
    let comparison = Comparison(
      arguments.peers, arguments.workloads, scale: arguments.scale,
      embeddings: arguments.embeddings, in: workplace)
    try comparison.run(rounds: arguments.rounds, progress: say)
    let report = Report(
      scale: arguments.scale, rounds: arguments.rounds, lines: comparison.results,
      space: comparison.space)
    print(report.table)
    if let path = arguments.json { try report.writeJSON(to: path) }
  }

  /// The stores are large: they go as well when the run is broken off.
  private static func removingOnInterrupt(_ path: String) -> [any DispatchSourceSignal] {
    [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        try? FileManager.default.removeItem(atPath: path)
        exit(128 + number)
      }
      source.resume()
      return source
    }
  }

  private static func say(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}
