import VarveTestSupport

/// Thousands of schedules of machines that take a whole store over from each other, with its logs in the bucket,
/// while processes end, power is cut, and requests are refused, lost and late.
struct TakeoverCampaign {
  let schedules: Int
  let seed: UInt64

  /// After so many it is known that something is broken.
  private static let mostViolations = 20

  func run() -> Figures {
    var violations: [String] = []
    var all = TakeoverSchedule.Outcome()
    var done = 0
    for number in 0..<UInt64(schedules) where violations.count < Self.mostViolations {
      done += 1
      do {
        let outcome = try TakeoverSchedule.run(seed + number)
        all.confirmations += outcome.confirmations
        all.refusals += outcome.refusals
        all.takeovers += outcome.takeovers
        all.recoveries += outcome.recoveries
        if let wrong = outcome.wrong {
          violations.append("seed \(seed + number): \(wrong)")
        }
      } catch {
        violations.append("seed \(seed + number): \(error)")
      }
      if number % 1_000 == 999 { Soak.tell("\(number + 1) schedules") }
    }
    return Figures(
      isGood: violations.isEmpty && all.confirmations > 0 && all.takeovers > 0,
      members: [
        ("first seed", .number(seed)), ("schedules", .number(done)),
        ("confirmations", .number(all.confirmations)), ("refusals", .number(all.refusals)),
        ("takeovers", .number(all.takeovers)), ("recoveries", .number(all.recoveries)),
        ("violations", .number(violations.count)),
        ("first violations", .list(violations.prefix(5).map(JSON.text))),
      ])
  }
}
