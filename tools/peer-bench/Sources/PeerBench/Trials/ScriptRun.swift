import Foundation

/// A script as an engine's sessions work through it.
struct ScriptRun<P: Peer> {
  let peer: P
  let script: Script
  let measuresLatency: Bool
  /// Goes on for so long at most; to the end of the script where nil.
  let seconds: Double?
  /// Whether it goes over the script again until the time is over.
  let repeats: Bool
  /// Whether each session reads everything once before the clock starts.
  let warms: Bool

  init(
    peer: P, script: Script, measuresLatency: Bool = false, seconds: Double? = nil,
    repeats: Bool = false, warms: Bool = false
  ) {
    self.peer = peer
    self.script = script
    self.measuresLatency = measuresLatency
    self.seconds = seconds
    self.repeats = repeats
    self.warms = warms
  }

  struct Outcome {
    var seconds = 0.0
    var operations = 0
    var read = Tally()
    var latencies: [LatencyOperation: Latencies] = [:]
  }

  func callAsFunction() throws -> Outcome {
    switch script.steps {
    case .single(let lanes): return try run(lanes)
    case .groups(let lanes, let size):
      return try plain(lanes) { session, operations, tally in
        for start in stride(from: 0, to: operations.count, by: size) {
          let end = min(start + size, operations.count)
          try session.get(operations[start..<end], into: &tally)
        }
      }
    case .batches(let operations, let size):
      return try plain([operations]) { session, operations, _ in
        for start in stride(from: 0, to: operations.count, by: size) {
          try session.put(operations[start..<min(start + size, operations.count)])
        }
      }
    case .scan(let scan, _, let laps):
      return try plain([[]]) { session, _, tally in
        for _ in 0..<laps { try session.scan(scan, into: &tally) }
      }
    case .bulkImport(let operations):
      return try plain([operations]) { session, operations, _ in
        try session.bulkImport(operations)
      }
    case .nothing: return Outcome()
    }
  }

  private func session() throws -> P.Session {
    let session = try peer.session()
    if warms {
      var tally = Tally()
      try session.scan(Scan(), into: &tally)
    }
    return session
  }

  /// Without a look at the clock in between.
  private func plain(
    _ lanes: [[Operation]],
    _ work: @escaping (P.Session, [Operation], inout Tally) throws -> Void
  ) throws -> Outcome {
    let sessions = try lanes.map { _ in try session() }
    defer { for session in sessions { session.close() } }
    let (tallies, seconds) = try Lanes.run(lanes.count) { lane in
      var tally = Tally()
      try work(sessions[lane], lanes[lane], &tally)
      return tally
    }
    var outcome = Outcome(seconds: seconds, operations: script.operationCount)
    for tally in tallies { outcome.read.merge(tally) }
    return outcome
  }

  private func run(_ lanes: [[Operation]]) throws -> Outcome {
    if measuresLatency || seconds != nil { return try timed(lanes) }
    return try plain(lanes) { session, operations, tally in
      for operation in operations { try session.perform(operation, into: &tally) }
    }
  }

  /// With the duration of each operation.
  private func timed(_ lanes: [[Operation]]) throws -> Outcome {
    let sessions = try lanes.map { _ in try session() }
    defer { for session in sessions { session.close() } }
    let (clocks, elapsed) = try Lanes.run(lanes.count) { lane in
      var clock = LaneClock(seconds: seconds)
      repeat {
        for operation in lanes[lane] {
          try sessions[lane].perform(operation, into: &clock.tally)
          if clock.lap(operation.kind) { break }
        }
      } while repeats && clock.goesOn
      return clock
    }
    var (outcome, gets, puts) = (Outcome(seconds: elapsed), LatencyHistogram(), LatencyHistogram())
    for clock in clocks {
      gets.merge(clock.gets)
      puts.merge(clock.puts)
      outcome.read.merge(clock.tally)
    }
    outcome.operations = gets.total + puts.total
    if gets.total > 0 { outcome.latencies[.get] = gets.latencies }
    if puts.total > 0 { outcome.latencies[.put] = puts.latencies }
    return outcome
  }
}

/// One thread's watch: each operation ends where the next begins, so one look at the clock does.
private struct LaneClock {
  var tally = Tally()
  var gets = LatencyHistogram()
  var puts = LatencyHistogram()
  private var last = Self.now
  private let end: Int?

  init(seconds: Double?) { end = seconds.map { Self.now + Int($0 * 1e9) } }

  /// Whether there is time for the script again.
  var goesOn: Bool { end.map { last < $0 } ?? false }

  /// Takes the time of an operation; true where the time is over.
  @inline(__always)
  mutating func lap(_ kind: Operation.Kind) -> Bool {
    let now = Self.now
    switch kind {
    case .get, .scan, .scanPrefix: gets.add(now - last)
    case .put, .delete, .rewrite: puts.add(now - last)
    }
    last = now
    return end.map { now >= $0 } ?? false
  }

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
