import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// One workload, with a power cut before each of its calls and behind the last, and at some before each
/// call of the recovery from that or from the end of the process alone.
///
/// ```
///   workload   step 1, 2, 3 ... k ... end             each: every way in which a disk can lose what is pending
///                           └─> image ─> open, put, close: step 1, 2 ... end
///                                                               └─> image
///   each image: opens, holds a state between the last acknowledgement and the last call, takes a write,
///   opens again with it; now and then the verifier finds nothing either
/// ```
struct CrashRun {
  let seed: UInt64
  let acts: Int
  var shape = CrashWorkload.Shape()
  /// Every how many steps a recovery is crashed too.
  var recoveryEvery = 6
  /// Which of all these disks are judged.
  var sample = CrashSample.all
  /// Done to the disk of every machine that works, or recovers, while it may crash.
  var prepare: @Sendable (SimulatedFileSystem) -> Void = { _ in }
  /// Asked before each step; no more images are made once it says so.
  var isOver: @Sendable (CrashTally) -> Bool = { _ in false }

  func run() -> CrashTally {
    let workload = CrashWorkload(varied: acts, seed: seed, shape: shape)
    let system = SimulatedFileSystem(seed: seed, logsAreReusable: logsAreReusable)
    let machine = CrashMachine(system, bucket: shape.hasBucket ? SimulatedBucket() : nil)
    let progress = Monitor(CrashWorkload.Progress())
    let tally = Monitor(CrashTally(workloads: 1, acts: acts))
    tally.withLock { $0.conditions = conditions(workload) }
    prepare(system)
    system.observeSteps { step in
      let reached = progress.withLock { $0 }
      tally.withLock { tally in
        guard !isOver(tally) else { return }
        tally.points += 1
        let before = tally.images
        tally.note(UInt64(step.number) ^ hash(step))
        let moment = Moment(
          "before \(step)", number: step.number, isBetweenNames: step.operation == .syncDirectory)
        crash(machine, moment, workload, reached, &tally)
        // Of which no disk was judged it was not tried.
        if tally.images > before { tally.interrupted[workload.act(reached), default: 0] += 1 }
      }
    }
    do {
      try workload.run(on: machine, progress: progress)
    } catch {
      tally.withLock { $0.failures.append("seed \(seed): the workload itself failed: \(error)") }
    }
    system.observeSteps(nil)
    return tally.withLock { tally in
      let reached = progress.withLock { $0 }
      for act in workload.acts.prefix(reached.done) { tally.performed[act.name, default: 0] += 1 }
      if !isOver(tally), tally.failures.isEmpty {
        let end = Moment("at the end", number: tally.points + 1, isBetweenNames: true)
        crash(machine, end, workload, reached, &tally)
      }
      return tally
    }
  }

  /// What this workload is like, each once.
  private func conditions(_ workload: CrashWorkload) -> [String: Int] {
    let opening = workload.opening
    let isFirst = [
      shape.hasBucket, logsAreReusable, opening.options.readMode == .mapped,
      opening.options.valueFileBytes == StoreOptions.small.valueFileBytes, opening.timePasses,
    ]
    let told = zip(Self.conditions, isFirst).map { $1 ? $0.0 : $0.1 }
    return Dictionary(uniqueKeysWithValues: told.map { ($0, 1) })
  }

  /// One of each two.
  private static let conditions = [
    ("a bucket", "no bucket"), ("logs that are used again", "logs that are not used again"),
    ("mapped", "by pread"), ("one value file", "value files that are filled"),
    ("time passes", "time stands still"),
  ]
  static let everyCondition = conditions.flatMap { [$0.0, $0.1] }

  private var logsAreReusable: Bool { seed % 2 == 0 }

  /// Where a machine stands when its power is cut.
  private struct Moment: CustomStringConvertible {
    let description: String
    let number: Int
    /// Whether names in the directory may be pending.
    let isBetweenNames: Bool

    init(_ description: String, number: Int, isBetweenNames: Bool) {
      self.description = description
      self.number = number
      self.isBetweenNames = isBetweenNames
    }
  }

  /// By chance and not by counting: modes come in rounds of their own.
  private func turn(_ image: Int) -> Int {
    var random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(image))
    return random.below(48)
  }

  private func hash(_ step: Step) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in step.description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }

  /// Judges every way in which the machine could come back from a power cut now.
  private func crash(
    _ machine: CrashMachine, _ moment: Moment, _ workload: CrashWorkload,
    _ reached: CrashWorkload.Progress, _ tally: inout CrashTally
  ) {
    let expected = workload.expectation(reached)
    for (index, mode) in CrashMode.allCases.enumerated() {
      let seed = seed &* 1_000_003 &+ UInt64(moment.number)
      tally.candidates += 1
      if sample.takes(image: tally.candidates) {
        let image = machine.crashImage(mode, seed: seed)
        tally.note(image.disk.fingerprint())
        if let failure = workload.judge(image, expected, turn: turn(tally.images)) {
          tally.failures.append("seed \(self.seed), \(moment), \(mode): \(failure)")
        }
        tally.images += 1
        tally.ways["\(mode)", default: 0] += 1
      }
      if moment.number % recoveryEvery == 0,
        index == moment.number / recoveryEvery % CrashMode.allCases.count
      {
        crashRecovery(
          of: machine.crashImage(mode, seed: seed), "\(moment), \(mode)", workload, expected, &tally
        )
      }
    }
    // What a process leaves between two calls of a manifest is worth a look each time.
    guard moment.isBetweenNames || moment.number % recoveryEvery == recoveryEvery / 2 else {
      return
    }
    let killed = workload.expectation(reached, isKilled: true)
    let seed = seed &* 1_000_003 &+ UInt64(moment.number)
    tally.candidates += 1
    if sample.takes(image: tally.candidates) {
      tally.images += 1
      tally.ways[CrashTally.killed, default: 0] += 1
      let image = machine.killImage(seed: seed)
      tally.note(image.disk.fingerprint())
      if let failure = workload.judge(image, killed, turn: turn(tally.images)) {
        tally.failures.append("seed \(self.seed), \(moment), killed: \(failure)")
      }
    }
    crashRecovery(
      of: machine.killImage(seed: seed), "\(moment), killed", workload, expected, &tally)
  }

  /// Lets a machine recover and go on, with a power cut before each call of that and behind the last.
  private func crashRecovery(
    of first: @autoclosure () -> CrashMachine, _ moment: String, _ workload: CrashWorkload,
    _ expected: CrashWorkload.Expectation, _ tally: inout CrashTally
  ) {
    tally.recoveries += 1
    guard sample.takes(recovery: tally.recoveries) else { return }
    let (first, recovery) = (first(), tally.recoveries)
    let inner = Monitor(CrashTally())
    let expected = Monitor(expected)
    let crash: @Sendable (Int, String) -> Void = { number, place in
      inner.withLock { inner in
        inner.recoveryPoints += 1
        for part in [0, 4, 7] {
          inner.candidates += 1
          guard sample.takes(image: inner.candidates, ofRecovery: recovery) else { continue }
          let mode = CrashMode.allCases[(number + part) % CrashMode.allCases.count]
          let second = first.crashImage(mode, seed: seed &+ UInt64(number))
          inner.note(second.disk.fingerprint())
          inner.recoveryImages += 1
          inner.recoveryWays["\(mode)", default: 0] += 1
          if let failure = workload.judge(
            second, expected.withLock { $0 }, turn: turn(inner.recoveryImages))
          {
            inner.failures.append("seed \(seed), \(moment), then \(place), \(mode): \(failure)")
          }
        }
      }
    }
    prepare(first.disk)
    first.disk.observeSteps { step in
      inner.withLock { $0.note(UInt64(step.number) ^ hash(step)) }
      crash(step.number, "before \(step)")
    }
    do { try goOn(first, workload, expected) } catch {
      inner.withLock { $0.failures.append("seed \(seed), \(moment), then going on: \(error)") }
    }
    first.disk.observeSteps(nil)
    crash(inner.withLock { $0.recoveryPoints }, "at the end")
    tally.add(inner.withLock { $0 })
  }

  /// Opens the store, puts an entry and closes it; what was found when it was opened is there for good.
  private func goOn(
    _ machine: CrashMachine, _ workload: CrashWorkload,
    _ expected: Monitor<CrashWorkload.Expectation>
  ) throws {
    let store = try machine.open(workload.opening)
    let found = try CrashWorkload.content(of: store)
    guard expected.withLock({ $0.states.contains(found) }) else {
      throw Violation("none of the states that may be there holds what was found")
    }
    var more = found
    more["default"]?[Array("after the first crash".utf8)] = Array("written".utf8)
    expected.withLock { [more] in $0.goOn(to: [found, more]) }
    try CrashWorkload.put("after the first crash", into: store, &more)
    expected.withLock { [more] in $0.goOn(to: [more]) }
    try store.close()
  }
}
