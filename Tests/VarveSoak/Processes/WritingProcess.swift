import Varve
import VarvePlatform
import VarveTestSupport

/// Performs a workload on a real store, goes on where the store is, and says what it does.
///
/// ```
///   opened 17          the state it found
///   begun 18           told before each act ...
///   done 18 synced     ... and when it was acknowledged: a synced commit; durable, by itself; buffered
///   put 18             the bucket has everything up to there
///   failed full: ...   an act that was refused: it is tried again, some times or as long as it is told to go on
///   closing            from here on somebody else may have the store
///   closed
/// ```
struct WritingProcess {
  let options: ProcessOptions

  /// How often an act is tried where nobody tells.
  private static let attempts = 3

  func run() -> Conversation.Ending {
    do {
      guard var run = try opened() else { return .failure }
      let isDone = try perform(&run)
      Conversation.say("closing")
      try run.store.close()
      Conversation.say("closed")
      return isDone ? .done : .failure
    } catch {
      return Conversation.ending(error)
    }
  }

  private func opened() throws -> WorkloadRun? {
    while true {
      do {
        return try WorkloadRun(of: options.workload, opening: { _ in try options.open() })
      } catch {
        let code = (error as? StoreError)?.code
        if options.waits, code == .locked {
          pause(milliseconds: 1)
        } else if options.asks, code == .full {
          Conversation.say("failed \(error)")
          guard Conversation.isToldToGoOn() else { return nil }
        } else {
          throw error
        }
      }
    }
  }

  private func pause(milliseconds: UInt64) {
    let never = Monitor(false)
    let deadline = SystemClock().monotonicNanoseconds() + milliseconds * 1_000_000
    _ = never.wait(until: deadline) { $0 }
  }

  /// Performs acts until there are no more, or somebody gives up.
  private func perform(_ run: inout WorkloadRun) throws -> Bool {
    let state = try options.state(of: run.store)
    Conversation.say("opened \(state)")
    for index in options.workload.acts.indices.dropFirst(state).prefix(options.most) {
      Conversation.say("begun \(index + 1)")
      guard let isDurable = try perform(index, &run) else { return false }
      Conversation.say("done \(index + 1) \(word(for: index, isDurable))")
      if options.bucket != nil, try tend(run.store, after: index) {
        Conversation.say("put \(index + 1)")
      }
    }
    return true
  }

  /// Puts into the bucket, lets go and collects in turn; says whether the bucket has everything now.
  private func tend(_ store: SegmentStore, after index: Int) throws -> Bool {
    if index % 5 == 4 { try store.evict() }
    if index % 11 == 10 { try store.collectBucket(grace: 0) }
    if index % 7 == 3 {
      try store.upload()
      return true
    }
    guard index % 3 == 0 else { return false }
    try store.sync(.remote)
    return true
  }

  private func word(for index: Int, _ isDurable: Bool) -> String {
    if case .commit(_, .synced) = options.workload.acts[index] { return "synced" }
    return isDurable ? "durable" : "buffered"
  }

  /// Performs one act, however often it takes; nil where somebody gives up.
  private func perform(_ index: Int, _ run: inout WorkloadRun) throws -> Bool? {
    for attempt in 1... {
      do { return try run.perform(index) } catch {
        if let violation = Violation(error) { throw violation }
        Conversation.say("failed \(error)")
        try check(run.store, holds: index)
        guard isWorthAnotherAttempt(error, attempt) else { return nil }
      }
    }
    return nil
  }

  private func isWorthAnotherAttempt(_ error: any Error, _ attempt: Int) -> Bool {
    let code = (error as? StoreError)?.code
    if code == .poisoned { return false }
    return options.asks && code == .full
      ? Conversation.isToldToGoOn() : attempt < Self.attempts
  }

  /// What failed is not seen. A store that says that it cannot tell, or that was being reopened, is let
  /// be.
  private func check(_ store: SegmentStore, holds state: Int) throws {
    do {
      guard try CrashWorkload.content(of: store) != options.workload.states[state] else { return }
    } catch {
      guard let violation = Violation(error) else { return }
      throw violation
    }
    throw Violation("the open store holds something else after act \(state + 1) failed")
  }
}
