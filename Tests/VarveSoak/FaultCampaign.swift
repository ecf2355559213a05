import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// The first, second, third ... call of the file system fails, in each operation of the interface.
///
/// ```
///   for each operation, for each way to fail, once or for good:
///     call 1 fails, call 2 fails ... until the operation makes no such call
///   each: an error, or all of the work; what is read is right; the store closes, nothing leaks,
///   and opens again with what was there before or what should be there now
/// ```
struct FaultCampaign {
  typealias Content = CrashWorkload.Content

  let seed: UInt64
  /// Takes every so many-th call of each operation: 1 for all of them.
  var stride = 1
  private static let effects: [Fault.Effect] = [
    .error(.device), .error(.full), .error(.tooManyOpen), .partial(1, .full),
    .partial(100, .device),
    .short(0), .short(7),
  ]

  private struct Tally {
    var runs = 0
    var errors = 0
    var failures: [String] = []
  }

  func run() throws -> Figures {
    let store = try SweptStore(.closed, seed: seed)
    var tallies: [(String, Tally)] = []
    for operation in FaultedOperation.all {
      tallies.append((operation.name, try tally(of: operation, on: store)))
    }
    tallies.append(("open", try tallyOfOpening(store)))
    let failures = tallies.flatMap(\.1.failures)
    let rows = tallies.map { name, tally in
      JSON.object([
        ("operation", .text(name)), ("runs", .number(tally.runs)),
        ("errors", .number(tally.errors)),
      ])
    }
    return Figures(
      isGood: failures.isEmpty,
      members: [
        ("seed", .number(seed)), ("operations", .number(tallies.count)),
        ("runs", .number(tallies.reduce(0) { $0 + $1.1.runs })),
        ("errors", .number(tallies.reduce(0) { $0 + $1.1.errors })),
        ("violations", .number(failures.count)),
        ("first violations", .list(failures.prefix(8).map(JSON.text))),
        ("by operation", .list(rows)),
      ])
  }

  /// Every failure that a run with `attempt` can meet.
  private func everyFailure(
    _ attempt: (_ fault: Fault, _ what: String, _ tally: inout Tally) throws -> Bool
  ) rethrows -> Tally {
    var tally = Tally()
    for effect in Self.effects {
      for duration in [Fault.Duration.once, .forGood] {
        // Another one first with each way to fail, so that a sample meets all.
        let first = 1 + tally.runs % stride
        for occurrence in Swift.stride(from: first, to: .max, by: stride) {
          let fault = Fault(occurrence: occurrence, effect: effect, lasts: duration)
          tally.runs += 1
          guard try attempt(fault, "call \(occurrence), \(effect), \(duration)", &tally) else {
            break
          }
        }
      }
    }
    return tally
  }

  // MARK: - An operation on an open store

  private func tally(of operation: FaultedOperation, on store: SweptStore) throws -> Tally {
    let base = store.states[store.states.count - 1]
    var before = base
    before["default"]?[[1]] = [2]
    var after = before
    operation.change(&after)
    return try everyFailure { fault, what, tally in
      let image = store.disk.crashImage(.everything)
      image.setFailedSync(fault.occurrence % 2 == 0 ? .keepsCache : .revertsCache)
      let outcome = try Self.attempt(operation, on: image, fault, before)
      if outcome.failure != nil { tally.errors += 1 }
      // What no sync made durable goes where a failed one makes the system forget it.
      let allowed = outcome.failure == nil ? [after] : [base, before, after]
      if let wrong = outcome.wrong(allowed) ?? Self.reopened(image, allowed) {
        tally.failures.append("\(operation.name), \(what): \(wrong)")
      }
      return outcome.wasHit
    }
  }

  /// What came of one operation, and of the store, which was closed and let go since.
  private struct Outcome {
    var failure: (any Error)?
    var wasHit: Bool
    /// What the open store held afterwards; nil where it said that it cannot tell.
    var content: Content?
    var unexpected: (any Error)?

    func wrong(_ allowed: [Content]) -> String? {
      if let failure, !(failure is StoreError) { return "\(failure)" }
      if let unexpected { return "reading afterwards: \(unexpected)" }
      guard let content, !allowed.contains(content) else { return nil }
      return "the open store holds something else"
    }
  }

  private static func attempt(
    _ operation: FaultedOperation, on image: SimulatedFileSystem, _ fault: Fault, _ before: Content
  ) throws -> Outcome {
    let store = try CrashWorkload.open(image)
    try store.keyspace("default").put([1], [2], durability: .buffered)
    let calls = image.counts.total
    image.inject(fault)
    var outcome = Outcome(wasHit: false)
    do { try operation.body(store, before) } catch { outcome.failure = error }
    outcome.wasHit = image.counts.total - calls >= fault.occurrence
    image.clearFaults()
    do { outcome.content = try CrashWorkload.content(of: store) } catch {
      // Closed, or it says that it cannot.
      if !(error is StoreError) { outcome.unexpected = error }
    }
    try? store.close()
    return outcome
  }

  private static func reopened(_ image: SimulatedFileSystem, _ allowed: [Content]) -> String? {
    guard image.leaks.isEmpty else { return "left open: \(image.leaks)" }
    do {
      let again = try CrashWorkload.open(image)
      let content = try CrashWorkload.content(of: again)
      try again.close()
      return allowed.contains(content) ? nil : "the next opening found something else"
    } catch {
      return "the next opening: \(error)"
    }
  }

  // MARK: - Opening

  private func tallyOfOpening(_ store: SweptStore) throws -> Tally {
    let crashed = try SweptStore(.crashed, seed: seed)
    var sum = Tally()
    for store in [store, crashed] {
      let content = store.states[store.states.count - 1]
      let tally = everyFailure { fault, what, tally in
        let image = store.disk.crashImage(.everything)
        image.inject(fault)
        do { try CrashWorkload.open(image).close() } catch { tally.errors += 1 }
        let wasHit = image.counts.total >= fault.occurrence
        image.clearFaults()
        if let wrong = Self.reopened(image, [content]) {
          tally.failures.append("open, \(store.end), \(what): \(wrong)")
        }
        return wasHit
      }
      sum.runs += tally.runs
      sum.errors += tally.errors
      sum.failures += tally.failures
    }
    return sum
  }
}
