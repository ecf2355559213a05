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
    failures += other.failures
    // Workloads end in any order.
    trace &+= other.trace
  }

  /// Takes something into the trace, in order.
  mutating func note(_ number: UInt64) { trace = (trace ^ number) &* 0x9e37_79b9_7f4a_7c15 }

  var members: [(String, JSON)] {
    [
      ("workloads", .number(workloads)), ("acts", .number(acts)), ("crash points", .number(points)),
      ("images", .number(images)), ("crash points in recoveries", .number(recoveryPoints)),
      ("images in recoveries", .number(recoveryImages)), ("violations", .number(failures.count)),
      ("first violations", .list(failures.prefix(5).map(JSON.text))),
      ("trace", .text(String(trace, radix: 16))),
    ]
  }
}
