import VarveTestSupport

/// Thousands of schedules of machines that take a whole store over from each other, with its logs in the bucket,
/// while processes end, power is cut, and requests are refused, lost and late.
struct TakeoverCampaign {
  let schedules: Int
  let seed: UInt64

  func run() -> Figures {
    var violations: [String] = []
    for number in 0..<UInt64(schedules) {
      do {
        if let wrong = try TakeoverSchedule.run(seed + number) {
          violations.append("seed \(seed + number): \(wrong)")
        }
      } catch {
        violations.append("seed \(seed + number): \(error)")
      }
      if number % 1_000 == 999 { Soak.tell("\(number + 1) schedules") }
    }
    return Figures(
      isGood: violations.isEmpty,
      members: [
        ("first seed", .number(seed)), ("schedules", .number(schedules)),
        ("violations", .number(violations.count)),
        ("first violations", .list(violations.prefix(5).map(JSON.text))),
      ])
  }
}
