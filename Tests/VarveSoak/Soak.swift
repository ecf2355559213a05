import Foundation
import VarveTestSupport

/// Campaigns, most of them on the simulated disk, that are too long for a test: `tools/soak` runs them.
///
/// ```
/// VarveSoak crash [--images N] [--seed S]     a power cut at every call, and at every call of recovery
/// VarveSoak syncs [--images N] [--seed S]     the same with each sync left out: is it seen?
/// VarveSoak sweep [--every N] [--seed S]      every bit, byte, length and sector of every file changed,
///                                             blocks and records moved; and of every input of a
///                                             compaction before it and meanwhile
/// VarveSoak faults [--every N] [--only TEXT] [--seed S]
///                                             every call of every operation fails, or of those named so
///
/// VarveSoak write DIRECTORY [--seed S] [--acts N] [--durable D] [--invoked I] ...    see WritingProcess
/// VarveSoak judge DIRECTORY [the same]                                              see JudgingProcess
/// VarveSoak model [--operations N] [--seed S]  random operations on a store and on its model
/// VarveSoak threads [--seconds N] [--seed S]   many threads at one store, and what each of them saw
/// VarveSoak takeover [--schedules N] [--seed S]  machines that take a store over from each other
/// VarveSoak bucket [--schedules N] [--seed S]  many writers, collectors and readers at one bucket
/// ```
///
/// Prints figures as JSON, and exits with 1 where a promise was broken. `write` and `judge` are what
/// campaigns on real file systems start, kill and ask.
@main
struct Soak {
  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    guard !arguments.isEmpty else {
      fail("which campaign? crash, syncs, sweep, faults, model, threads, bucket or takeover")
    }
    let campaign = arguments.removeFirst()
    if let ending = ending(ofProcess: campaign, arguments) { exit(ending.rawValue) }
    let images = number("--images", in: &arguments)
    let every = number("--every", in: &arguments)
    let operations = number("--operations", in: &arguments)
    let duration = number("--seconds", in: &arguments)
    let schedules = number("--schedules", in: &arguments)
    let seed = number("--seed", in: &arguments) ?? 1
    let only = text("--only", in: &arguments)
    guard arguments.isEmpty else { fail("not understood: \(arguments)") }
    let start = ContinuousClock.now
    let figures = figures(
      of: campaign, images: images, every: every, operations: operations ?? schedules,
      duration: duration, only: only, seed: UInt64(seed))
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let members = figures.members + [("seconds", JSON.number(Int(seconds.rounded())))]
    print(JSON.object([("campaign", .text(campaign))] + members).written())
    exit(figures.isGood ? 0 : 1)
  }

  /// What came of a process that works on a real store; nil for campaigns.
  private static func ending(
    ofProcess name: String, _ arguments: [String]
  ) -> Conversation.Ending? {
    guard ["write", "judge"].contains(name) else { return nil }
    guard let options = ProcessOptions(arguments) else { fail("not understood: \(arguments)") }
    return name == "write"
      ? WritingProcess(options: options).run() : JudgingProcess(options: options).run()
  }

  private static func figures(
    of campaign: String, images: Int?, every: Int?, operations: Int?, duration: Int?,
    only: String?, seed: UInt64
  ) -> Figures {
    switch campaign {
    case "crash": return CrashCampaign(images: images ?? 100_000, seed: seed).run()
    case "syncs": return SyncMutation(mostImages: images ?? 150_000, seed: seed).run()
    case "sweep":
      let stride = max(1, every ?? 1)
      return made {
        try CorruptionSweep(stride: stride, seed: seed).run()
          + CompactionSweep(stride: stride, seed: seed).run()
          + TierSweep(stride: stride, seed: seed).run()
      }
    case "faults":
      return made {
        var campaign = FaultCampaign(seed: seed, stride: max(1, every ?? 1))
        if let only { campaign.takes = { $0.contains(only) } }
        return try campaign.run()
      }
    case "model":
      var campaign = ModelCampaign(operations: operations ?? 2_000_000, seed: seed)
      return campaign.run()
    case "threads": return made { try ThreadCampaign(seconds: duration ?? 60, seed: seed).run() }
    case "takeover":
      return made { TakeoverCampaign(schedules: operations ?? 3_000, seed: seed).run() }
    case "bucket":
      return made { try BucketCampaign(schedules: operations ?? 30_000, seed: seed).run() }
    default: fail("no campaign is called \(campaign)")
    }
  }

  private static func made(_ body: () throws -> Figures) -> Figures {
    do { return try body() } catch { fail("the stores could not be made: \(error)") }
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
