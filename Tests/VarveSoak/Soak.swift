import Foundation
import VarveTestSupport

/// Campaigns, most of them on the simulated disk, that are too long for a test: `tools/soak` runs them.
///
/// ```
/// VarveSoak CAMPAIGN [OPTIONS]                                see `Campaign.all`, or `VarveSoak --help`
/// VarveSoak write DIRECTORY [--seed S] [--acts N] [--durable D] [--invoked I] ...    see WritingProcess
/// VarveSoak judge DIRECTORY [the same]                                              see JudgingProcess
/// ```
///
/// Prints figures as JSON, and exits with 1 where a promise was broken, with 2 where it was asked for what there is
/// not. `write` and `judge` are what campaigns on real file systems start, kill and ask.
@main
struct Soak {
  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.contains(where: ["-h", "--help"].contains) {
      print(Campaign.help)
      exit(0)
    }
    guard !arguments.isEmpty else { fail("which campaign? See VarveSoak --help") }
    let name = arguments.removeFirst()
    if let ending = ending(ofProcess: name, arguments) { exit(ending.rawValue) }
    guard let campaign = Campaign.all.first(where: { $0.name == name }) else {
      fail("no campaign is called \(name)")
    }
    let request = request(for: campaign, &arguments)
    guard arguments.isEmpty else { fail("\(name) does not take \(arguments)") }
    let start = ContinuousClock.now
    let figures: Figures
    do { figures = try campaign.run(request) } catch { fail("\(name) could not begin: \(error)") }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let members = figures.members + [("seconds", JSON.number(Int(seconds.rounded())))]
    print(JSON.object([("campaign", .text(name))] + members).written())
    exit(figures.isGood ? 0 : 1)
  }

  private static func request(
    for campaign: Campaign, _ arguments: inout [String]
  ) -> Campaign.Request {
    let amount = number(campaign.amount, in: &arguments) ?? campaign.usual
    guard amount > 0 else { fail("\(campaign.amount) wants at least 1") }
    let seed = number("--seed", in: &arguments) ?? 1
    let only = campaign.takesOnly ? text("--only", in: &arguments) : nil
    return Campaign.Request(amount: amount, seed: UInt64(seed), only: only)
  }

  /// What came of a process that works on a real store; nil for campaigns.
  private static func ending(
    ofProcess name: String, _ arguments: [String]
  ) -> Conversation.Ending? {
    guard ["write", "judge"].contains(name) else { return nil }
    guard let options = ProcessOptions(arguments) else { fail("not understood: \(arguments)") }
    let ending =
      name == "write"
      ? WritingProcess(options: options).run() : JudgingProcess(options: options).run()
    // The store is closed now, or could not be opened.
    guard ending != .violation, !options.mayStayOpen,
      let file = OpenFiles.first(below: options.path)
    else {
      return ending
    }
    return Conversation.ending(Violation("left open: \(file)"))
  }

  static func number(_ name: String, in arguments: inout [String]) -> Int? {
    text(name, in: &arguments).map { text in
      guard let number = Int(text), number >= 0 else { fail("\(name) wants a number") }
      return number
    }
  }

  private static func text(_ name: String, in arguments: inout [String]) -> String? {
    guard let index = arguments.firstIndex(of: name) else { return nil }
    guard index + 1 < arguments.count else { fail("\(name) wants something behind it") }
    defer { arguments.removeSubrange(index...index + 1) }
    return arguments[index + 1]
  }

  /// Ends a campaign with the violation that keeps it from going on.
  static func end(_ campaign: String, because violation: String) -> Never {
    let figures: [(String, JSON)] = [
      ("campaign", .text(campaign)), ("violations", .number(1)),
      ("first violations", .list([.text(violation)])),
    ]
    print(JSON.object(figures).written())
    exit(1)
  }

  /// Tells whoever watches; figures go to the output.
  static func tell(_ what: String) { FileHandle.standardError.write(Data("\(what)\n".utf8)) }

  private static func fail(_ what: String) -> Never {
    tell("VarveSoak: \(what)")
    exit(2)
  }
}

/// What a campaign measured.
struct Figures {
  var isGood: Bool
  var members: [(String, JSON)]

  /// A figure that is a number.
  subscript(name: String, default otherwise: UInt64) -> UInt64 {
    for case (name, .number(let value)) in members { return value }
    return otherwise
  }

  /// Both.
  static func + (left: Figures, right: Figures) -> Figures {
    Figures(isGood: left.isGood && right.isGood, members: left.members + right.members)
  }
}
