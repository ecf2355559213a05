import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// An opening, or a verification, during which a call of the file system fails.
struct FaultedOpening: Sendable {
  typealias Content = CrashWorkload.Content
  typealias ReadMode = StoreOptions.ReadMode

  var name: String
  var store: FaultedStore
  /// Whether every byte of the disk must stay as it is.
  var changesNothing = false
  /// What the bucket leads to once it succeeded, where that is not what it leads to before.
  var elsewhere: FaultJudge.Elsewhere?
  /// Throws where it returned, and has not done what it said.
  var check: (@Sendable (CrashMachine) throws -> Void)?
  /// Makes the attempt; returns the store, where one was opened.
  var attempt: @Sendable (CrashMachine, CrashMachine.Opening) throws -> SegmentStore?

  static func all(seed: UInt64) throws -> [FaultedOpening] {
    let (closed, killed) = try (FaultedStore.closed(seed: seed), FaultedStore.killed(seed: seed))
    return [
      FaultedOpening(name: "make a store", store: .empty()) {
        try $0.open($1)
      },
      FaultedOpening(name: "open, not to be made", store: closed) {
        var opening = $1
        opening.options.createIfMissing = false
        return try $0.open(opening)
      },
      FaultedOpening(name: "open", store: closed) {
        try $0.open($1)
      },
      FaultedOpening(name: "open after a kill", store: killed) {
        try $0.open($1)
      },
      FaultedOpening(name: "open for reading", store: closed, changesNothing: true) {
        try $0.open($1.readOnly)
      },
      FaultedOpening(name: "open for reading, after a kill", store: killed) {
        try $0.open($1.readOnly)
      },
      verification("verify, fast", closed, .fast), verification("verify, deep", closed, .deep),
      verification("verify after a kill, deep", killed, .deep),
    ]
  }

  /// A verifier throws, or says that something is wrong, or looked at all that there is.
  static func verification(
    _ name: String, _ store: FaultedStore, _ depth: IntegrityDepth
  ) -> FaultedOpening {
    FaultedOpening(name: name, store: store, changesNothing: true) { machine, opening in
      let image = machine.killImage()
      let whole = try StoreVerifier(at: "store", bucket: image.connect(), on: image.disk).run(depth)
      guard whole.isSound else { throw Violation("the store was not sound before") }
      let objects = machine.connect(opening)
      var damaged: Set<String> = []
      let report = try StoreVerifier(at: "store", bucket: objects, on: machine.disk).run(depth) {
        if $0.severity == .damage { damaged.insert($0.file) }
      }
      if report.isSound, report != whole {
        throw Violation("called sound, though \(report) is not \(whole)")
      }
      let struck = machine.disk.struckNames
      if !struck.isEmpty, let healthy = damaged.subtracting(struck).min() {
        throw Violation("\(healthy) is called damaged, and what failed was of \(struck.sorted())")
      }
      return nil
    }
  }

  // MARK: - One run

  func run(_ mode: ReadMode, _ fault: PlannedFault, seed: UInt64) -> FaultOutcome {
    FaultOutcome(on: store, mode, fault, seed: seed) { failing, judge, outcome in
      try open(failing, seed, &judge, &outcome)
    }
  }

  /// Returns what the next opening may find.
  private func open(
    _ failing: FailingMachine, _ seed: UInt64, _ judge: inout FaultJudge,
    _ outcome: inout FaultOutcome
  ) throws -> [Content] {
    let disk = failing.machine.disk
    let fingerprint = disk.fingerprint()
    var opened: SegmentStore?
    try failing.attempt(&outcome) { opened = try attempt(failing.machine, failing.opening) }
    judge.struck = outcome.struck
    if outcome.failure == nil { try check?(failing.machine) }
    if changesNothing, disk.fingerprint() != fingerprint {
      throw Violation("a byte of the disk was changed")
    }
    let isWriter = opened?.metrics() != nil && !isRefusing(opened)
    // A recovery that returned has made all durable that it found.
    try judge.cutPower(seed: seed, allows: isWriter ? [store.content] : store.durable)
    judge.elsewhere = outcome.failure == nil ? elsewhere ?? store.elsewhere : store.elsewhere
    try judge.checkElsewhere("after it")
    guard let opened else { return judge.isReverted ? store.durable : [store.content] }
    guard isWriter else { return try read(opened, judge) }
    return try judge.tryOn(
      opened, after: nil, shows: [store.content], mayHold: store.durable)
  }

  /// Asked by what makes nothing durable.
  private func isRefusing(_ store: SegmentStore?) -> Bool {
    FaultJudge.failure { try store?.commit(WriteBatch(), durability: .buffered) }?.code == .readOnly
  }

  /// Reads and closes a store that was opened for nothing else.
  private func read(_ opened: SegmentStore, _ judge: FaultJudge) throws -> [Content] {
    guard try CrashWorkload.content(of: opened) == store.content else {
      throw Violation("a reader found something else")
    }
    try judge.close(opened)
    return [store.content]
  }
}

extension CrashMachine.Opening {
  /// The same, for reading only.
  var readOnly: CrashMachine.Opening {
    var opening = self
    opening.options.access = .readOnly
    return opening
  }
}
