import Foundation

/// Varve beside other engines, turn by turn.
@main
struct PeerBench {
  static func main() {
    let words = Array(CommandLine.arguments.dropFirst())
    if words.first == "trial", words.count == 2 { exit(TrialReply.answer(words[1])) }
    do { exit(try run(Arguments(words)) ? 0 : 1) } catch {
      say("peer-bench: \(plainly(error))")
      exit(1)
    }
  }

  /// - Returns: whether all that was asked for was done.
  private static func run(_ arguments: Arguments) throws -> Bool {
    if arguments.wantsHelp {
      print(arguments.help)
      return true
    }
    if arguments.wantsList {
      print(WorkloadList(arguments.workloads).text)
      return true
    }
    if arguments.command == .report { return try report(arguments) }
    for path in Workplace.abandoned(below: arguments.directory) {
      say("\(path) was left by a run that was killed: it can be removed")
    }
    let workplace = try Workplace(below: arguments.directory)
    defer { workplace.removeAll() }
    let interruption = Interruption()
    defer { interruption.cancel() }
    return arguments.command == .scaling
      ? try scale(arguments, workplace) : try compare(arguments, workplace)
  }

  private static func compare(_ arguments: Arguments, _ workplace: Workplace) throws -> Bool {
    let journal = Journal(arguments, say: say)
    var results: [WorkloadResult] = []
    do throws(BrokenOff) {
      for pass in arguments.passes {
        let shelf = StoreShelf(workplace)
        defer { shelf.removeAll() }
        let turn = Turn(workplace: workplace, shelf: shelf)
        let comparison = Comparison(
          arguments, pass: pass, known: results, journal, take: turn.take)
        try comparison.run()
        results += comparison.results
      }
      journal.finish()
    } catch { journal.save() }
    try Report(journal.record).publish(plot: arguments.plot)
    return journal.isSaved && journal.record.isWhole && journal.record.failures.isEmpty
  }

  private static func scale(_ arguments: Arguments, _ workplace: Workplace) throws -> Bool {
    let report = Scaling(arguments, workplace).run(say: say) { report in
      guard let path = arguments.json else { return }
      do { try JSONFile.write(report, path) } catch {
        say("\(path) cannot be written: \(plainly(error))")
      }
    }
    try report.publish(plot: arguments.plot)
    return report.isWhole && report.failures.isEmpty
  }

  private static func report(_ arguments: Arguments) throws -> Bool {
    let records = try arguments.records.map { (path: $0, record: try Record(path: $0)) }
    let report = Report(try Record(together: records))
    if let path = arguments.json { try report.writeJSON(to: path) }
    try report.publish(plot: arguments.plot)
    return true
  }

  private static func say(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}
