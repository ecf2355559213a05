import Foundation

/// A trial as the process that was started for it does it.
struct TrialRun<P: Peer> {
  let trial: Trial
  let workload: Workload
  let data: Dataset
  let settings: PeerSettings

  func callAsFunction() throws -> TrialResult {
    switch trial.stage {
    case .prepare: return try prepare()
    case .crash: try crash()
    case .measure:
      switch workload.action {
      case .open, .replay: return try open()
      default: return try measure()
      }
    }
  }

  // MARK: - Stores to start from

  private func prepare() throws -> TrialResult {
    let peer = try P(in: trial.directory, settings)
    if let files = workload.fileCount { try fill(peer, files: files) } else { try fill(peer) }
    try peer.close()
    return TrialResult(
      diskBytes: DiskUse.bytes(in: trial.directory), storedBytes: data.byteCount)
  }

  private func fill(_ peer: P) throws {
    let filling = Workload(
      name: "", data: workload.data, action: .put(batch: 1000), start: .empty, order: .random)
    _ = try ScriptRun(peer: peer, script: Script(filling, data, count: data.count))()
    try peer.settle()
  }

  /// In order, so that nothing is gained by putting files together again, and left as it comes out.
  private func fill(_ peer: P, files: Int) throws {
    let each = max(1, data.count / files)
    let filling = Workload(
      name: "", data: workload.data, action: .put(batch: each), start: .empty, order: .ascending)
    let script = Script(filling, data, count: data.count)
    // Its bytes are what the operations point to.
    defer { withExtendedLifetime(script) {} }
    guard case .batches(let operations, _) = script.steps else { return }
    let session = try peer.session()
    for start in stride(from: 0, to: operations.count, by: each) {
      try session.put(operations[start..<min(start + each, operations.count)])
      try peer.cut()
    }
    session.close()
    let found = DiskUse.files(in: trial.directory).count
    guard !P.traits.cutsFiles || found >= files * 9 / 10 else {
      throw PeerFailure(description: "\(P.name) has \(found) files, not \(files)")
    }
  }

  private func crash() throws -> Never {
    let peer = try P(in: trial.directory, settings)
    _ = try ScriptRun(peer: peer, script: script)()
    kill(getpid(), SIGKILL)
    fatalError("still alive")
  }

  // MARK: - Under the clock

  private var script: Script {
    Script(workload, data, count: trial.operationCount(workload, data))
  }

  private func open() throws -> TrialResult {
    let clock = ContinuousClock()
    let start = clock.now
    let peer = try P(in: trial.directory, settings)
    var result = TrialResult(storedBytes: data.byteCount)
    result.seconds = start.duration(to: clock.now) / .seconds(1)
    result.operations = 1
    result.content = try content(peer)
    if case .replay = workload.action { result.userBytes = script.userBytes }
    try peer.close()
    return result
  }

  private func measure() throws -> TrialResult {
    let script = script
    let watch = MemoryWatch()
    let writtenBefore = ProcessCounters.writtenBytes
    let peer = try P(in: trial.directory, settings)
    // What the disk still owes from runs before is not this engine's to pay.
    if workload.isWriting { sync() }
    let seconds = workload.seconds.map { max(1, $0 * trial.scale) }
    let run = ScriptRun(
      peer: peer, script: script, measuresLatency: workload.measuresLatency, seconds: seconds,
      // What is read a second time, with little memory, may be in it.
      repeats: workload.isWriting || !workload.isLimited,
      warms: workload.start != .empty && !workload.isLimited)
    let outcome = try run()
    let end = ContinuousClock().now
    var result = self.result(of: outcome, script)
    if workload.isDrained {
      let quiet = Quiet.wait()
      result.seconds += (end.duration(to: ContinuousClock().now) - quiet) / .seconds(1)
    }
    result.anonymousBytes = watch.stop()
    if workload.isWriting {
      let settling = ContinuousClock().now
      // The log's last pages may not have been counted yet.
      sync()
      result.writtenBytes = Self.difference(ProcessCounters.writtenBytes, writtenBefore)
      try rest(peer, since: settling, &result)
    }
    try peer.close()
    if workload.isWriting { result.diskBytes = DiskUse.bytes(in: trial.directory) }
    try check(result, script)
    return result
  }

  private func result(of outcome: ScriptRun<P>.Outcome, _ script: Script) -> TrialResult {
    TrialResult(
      seconds: outcome.seconds, operations: outcome.operations,
      userBytes: script.userBytes * outcome.operations / max(1, script.operationCount),
      read: outcome.read, storedBytes: data.byteCount, latencies: outcome.latencies)
  }

  /// Lets the store come to rest, what the system still holds of it written, and reads all of it back.
  private func rest(
    _ peer: P, since start: ContinuousClock.Instant, _ result: inout TrialResult
  ) throws {
    guard !P.traits.isReference else { return }
    try peer.settle()
    result.settleSeconds = start.duration(to: ContinuousClock().now) / .seconds(1)
    if workload.seconds == nil { result.content = try content(peer) }
  }

  private func content(_ peer: P) throws -> Tally {
    var tally = Tally()
    let session = try peer.session()
    defer { session.close() }
    try session.scan(Scan(), into: &tally)
    return tally
  }

  private func check(_ result: TrialResult, _ script: Script) throws {
    guard let expected = script.expectedItems, workload.seconds == nil,
      result.read.items != expected
    else { return }
    throw PeerFailure(
      description: "\(workload.name): \(P.name) read \(result.read.items) items, not \(expected)")
  }

  private static func difference(_ after: Int?, _ before: Int?) -> Int? {
    guard let after, let before else { return nil }
    return after - before
  }
}

extension Trial {
  /// Does it, in this process.
  func run() throws -> TrialResult {
    if let group { try MemoryLimit.join(group) }
    let (workload, peer) = try found()
    let data = try dataset(workload)
    let settings = settings(workload, data)
    func start<P: Peer>(_: P.Type) throws -> TrialResult {
      try TrialRun<P>(trial: self, workload: workload, data: data, settings: settings)()
    }
    return try start(peer)
  }
}
