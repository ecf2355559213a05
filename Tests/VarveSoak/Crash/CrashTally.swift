import VarveSimulation
import VarveTestSupport

/// What crashes were tried and what came of them.
struct CrashTally: Sendable {
  var workloads = 0
  var acts = 0
  /// Moments of the workloads before a call that changes the disk.
  var points = 0
  /// Disks judged that a crash at such a moment could leave.
  var images = 0
  /// Moments of recoveries from such disks.
  var recoveryPoints = 0
  /// Disks judged that a second crash, in a recovery, could leave.
  var recoveryImages = 0
  /// Disks that a crash could leave, judged or not; and recoveries that could be crashed.
  var candidates = 0
  var recoveries = 0
  /// Of each kind of act: how many took place, and of how many moments before a call of theirs a disk was judged.
  var performed: [String: Int] = [:]
  var interrupted: [String: Int] = [:]
  /// Disks judged, by the way in which they lost what was pending; and those of recoveries.
  var ways: [String: Int] = [:]
  var recoveryWays: [String: Int] = [:]
  /// Workloads, by what they are like.
  var conditions: [String: Int] = [:]
  /// What was wrong, with what repeats it.
  var failures: [String] = []
  /// Of every call and of every disk that was judged: equal for equal seeds.
  var trace: UInt64 = 0

  var allImages: Int { images + recoveryImages }

  mutating func add(_ other: CrashTally) {
    workloads += other.workloads
    acts += other.acts
    points += other.points
    images += other.images
    recoveryPoints += other.recoveryPoints
    recoveryImages += other.recoveryImages
    performed.merge(other.performed, uniquingKeysWith: +)
    interrupted.merge(other.interrupted, uniquingKeysWith: +)
    ways.merge(other.ways, uniquingKeysWith: +)
    recoveryWays.merge(other.recoveryWays, uniquingKeysWith: +)
    conditions.merge(other.conditions, uniquingKeysWith: +)
    failures += other.failures
    // Workloads end in any order.
    trace &+= other.trace
  }

  /// Takes something into the trace, in order.
  mutating func note(_ number: UInt64) { trace = (trace ^ number) &* 0x9e37_79b9_7f4a_7c15 }

  /// What many workloads must have met, and did not.
  var unmet: [String] {
    CrashWorkload.Act.changing.filter { interrupted[$0, default: 0] == 0 }
      .map { "no power cut during: \($0)" }
      + Self.everyWay.filter { ways[$0, default: 0] == 0 }.map { "no disk: \($0)" }
      + CrashMode.allCases.map { "\($0)" }.filter { recoveryWays[$0, default: 0] == 0 }
      .map { "no disk of a recovery: \($0)" }
      + CrashRun.everyCondition.filter { conditions[$0, default: 0] == 0 }
      .map { "no workload: \($0)" }
  }

  /// What the end of the process alone leaves.
  static let killed = "killed"
  private static let everyWay = CrashMode.allCases.map { "\($0)" } + [killed]

  var members: [(String, JSON)] {
    [
      ("workloads", .number(workloads)), ("acts", .number(acts)), ("crash points", .number(points)),
      ("images", .number(images)), ("crash points in recoveries", .number(recoveryPoints)),
      ("images in recoveries", .number(recoveryImages)), ("violations", .number(failures.count)),
      ("first violations", .list(failures.prefix(5).map(JSON.text))),
      ("trace", .text(String(trace, radix: 16))),
    ]
  }

  var tables: [(String, JSON)] {
    [
      ("by act", Self.rows("act", [("times", performed), ("crash points judged", interrupted)])),
      (
        "by what a disk lost",
        Self.rows("way", [("images", ways), ("in recoveries", recoveryWays)])
      ),
      ("by what workloads are like", Self.rows("condition", [("workloads", conditions)])),
    ]
  }

  private static func rows(_ what: String, _ columns: [(String, [String: Int])]) -> JSON {
    let names = Set(columns.flatMap(\.1.keys)).sorted()
    return .list(
      names.map { name in
        .object(
          [(what, .text(name))] + columns.map { ($0.0, .number($0.1[name, default: 0])) })
      })
  }
}
