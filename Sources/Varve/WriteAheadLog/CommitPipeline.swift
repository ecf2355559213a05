import VarveFormat
import VarvePlatform

/// Brings concurrent commits into one order and lets them share the work: group commit.
///
/// ```
///   caller A ─┐
///   caller B ─┼─> queue ──> one of them leads: append, sync, apply, publish ──> all wake
///   caller C ─┘             (the others of the group wait for its outcome)
/// ```
///
/// A caller joins the queue. When nobody leads, it takes the lead of all that waits, itself first;
/// when it is done it wakes the others, and the next in line leads what has come meanwhile. So there
/// is no thread hop for a lone writer and no lock held during I/O.
///
/// Two invariants. Only the leader touches the log and the memtable: *leading* is the lock. And a
/// request's outcome is set once, by the leader of its group, before it is woken.
final class CommitPipeline: Sendable {
  private struct State {
    var waiting: [CommitRequest] = []
    var isLed = false
  }

  /// Bytes of payload that one group takes, its first request not counted.
  static let groupBytes = 4 << 20

  private let state = Monitor(State())

  /// Puts `request` in line and returns when its group was led, by this thread or another.
  ///
  /// - Parameter lead: does the work of one group and sets each outcome.
  func submit(_ request: CommitRequest, lead: ([CommitRequest]) -> Void) throws(StoreError) {
    while let group = join(request) {
      lead(group)
      state.withLock { state in
        state.isLed = false
        for member in group { member.isDone = true }
      }
      state.broadcast()
    }
    if let failure = request.failure { throw failure }
  }

  /// Waits until `request` is done (nil) or this thread must lead the group returned.
  private func join(_ request: CommitRequest) -> [CommitRequest]? {
    state.withLock { state in
      guard !request.isQueued else { return }
      request.isQueued = true
      state.waiting.append(request)
    }
    return state.withLock(when: { request.isDone || !$0.isLed }) { state in
      guard !request.isDone else { return nil }
      state.isLed = true
      return Self.takeGroup(from: &state.waiting)
    }
  }

  /// The front of the line, up to the group's size; a request that must be alone is alone.
  private static func takeGroup(from waiting: inout [CommitRequest]) -> [CommitRequest] {
    var bytes = 0
    var count = 0
    for request in waiting {
      if count > 0, request.isExclusive || waiting[0].isExclusive { break }
      if count > 0, bytes + request.batch.byteCount > groupBytes { break }
      bytes += request.batch.byteCount
      count += 1
    }
    defer { waiting.removeFirst(count) }
    return Array(waiting.prefix(count))
  }
}
