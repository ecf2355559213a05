import VarvePlatform
import VarveTestSupport

/// Many threads at one store, round after round, each on a fresh store of other options: on the machine's
/// files and, with power cuts beside them, on a simulated disk.
struct ThreadCampaign {
  let seconds: Int
  let seed: UInt64

  private static let roundMilliseconds: UInt64 = 2_000
  private static let mostFailures = 5

  func run() throws -> Figures {
    let clock = SystemClock()
    let deadline = clock.monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
    var total = ThreadStress.Report()
    var rounds: UInt64 = 0
    repeat {
      let kind: FileSystemKind = rounds % 2 == 0 ? .posix : .simulated
      let report = try ThreadStress.run(
        on: kind, seed: seed + rounds, milliseconds: Self.roundMilliseconds)
      for failure in report.failures.prefix(3) { Soak.tell(failure) }
      total.add(report)
      rounds += 1
    } while clock.monotonicNanoseconds() < deadline && total.failures.count < Self.mostFailures
    return Figures(
      isGood: total.failures.isEmpty && total.writes > 0 && total.moments > 0
        && total.sightings > 0 && (rounds < 2 || total.powerCuts > 0)
        && (rounds < 4 || total.kills > 0),
      members: [
        ("first seed", .number(seed)), ("rounds", .number(rounds)),
        ("writes", .number(total.writes)), ("moments", .number(total.moments)),
        ("sightings", .number(total.sightings)), ("kills", .number(total.kills)),
        ("power cuts", .number(total.powerCuts)),
        ("violations", .number(total.failures.count)),
        ("first violations", .list(total.failures.prefix(5).map(JSON.text))),
      ])
  }
}
