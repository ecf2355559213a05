import VarveSimulation
import VarveTestSupport

/// Thousands of schedules of writers, collectors and readers on one bucket, of which some die, stall, lose
/// answers or arrive late; then the same with each known bug, until it is seen.
struct BucketCampaign {
  let schedules: Int
  let seed: UInt64

  private static let mostSchedulesOfABug: UInt64 = 20_000

  func run() throws -> Figures {
    var tally = BucketSchedule.Tally()
    var violations: [String] = []
    for number in 0..<UInt64(schedules) {
      var options = BucketSchedule.Options()
      options.writers = 2 + Int(number % 2)
      let schedule = BucketSchedule(seed: seed + number, options: options)
      violations += try schedule.run().map { "seed \(seed + number): \($0)" }
      tally += schedule.tally
      if number % 5_000 == 4_999 { Soak.tell("\(number + 1) schedules, \(tally.commits) commits") }
    }
    let bugs = try BucketSchedule.Bug.allCases.map(found)
    return Figures(
      isGood: violations.isEmpty && bugs.allSatisfy(\.isFound),
      members: [
        ("first seed", .number(seed)), ("schedules", .number(schedules)),
        ("commits", .number(tally.commits)), ("writers fenced", .number(tally.fenced)),
        ("files collected", .number(tally.collected)), ("versions read", .number(tally.reads)),
        ("earlier versions gone back to", .number(tally.returns)),
        ("violations", .number(violations.count)),
        ("first violations", .list(violations.prefix(5).map(JSON.text))),
        ("planted", .list(bugs.map(\.json))),
      ])
  }

  private struct Finding {
    var bug: BucketSchedule.Bug
    var schedules: UInt64?
    var first: String

    var isFound: Bool { schedules != nil }
    var json: JSON {
      .object([
        ("bug", .text("\(bug)")), ("schedules until found", .number(schedules ?? 0)),
        ("found", .text(isFound ? "yes" : "no")), ("first", .text(first)),
      ])
    }
  }

  private func found(_ bug: BucketSchedule.Bug) throws -> Finding {
    var options = BucketSchedule.Options()
    options.bug = bug
    for number in 0..<Self.mostSchedulesOfABug {
      let violations = try BucketSchedule(seed: seed + number, options: options).run()
      if let first = violations.first {
        return Finding(bug: bug, schedules: number + 1, first: first)
      }
    }
    return Finding(bug: bug, schedules: nil, first: "nothing")
  }
}
