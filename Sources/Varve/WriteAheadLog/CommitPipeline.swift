import Synchronization
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
/// A caller whom nobody is before leads at once, at the price of two atomic exchanges, unless its sync
/// is better shared with those about to come (``CommitCompany``). Else it joins the queue; when nobody
/// leads any more, one of those who wait takes the lead of all that do. When it is done it wakes the
/// others, and the next in line leads what has come meanwhile. So there is no thread hop for a lone
/// writer and no lock held during I/O.
///
/// Two invariants. Only the leader touches the log and the memtable: *leading* is the lock. And a
/// request's outcome is set once, by the leader of its group, before it is woken.
final class CommitPipeline: Sendable {
  /// Bytes of payload that one group takes, its first request not counted.
  static let groupBytes = 4 << 20

  /// What `leadership` says: that nobody leads; that somebody does; that others wait for its end; that
  /// it is for those who stand in line, so that nobody who comes alone passes them for ever.
  private static let free = 0
  private static let taken = 1
  static let awaited = 2
  private static let offered = 3

  let leadership = Atomic<Int>(free)
  /// Those who stand in line, first come first.
  private let waiting = Monitor<[CommitRequest]>([])
  /// How many they are, for a leader who waits for more without the lock.
  private let lineLength = Atomic<Int>(0)
  private let company: CommitCompany

  init(_ clock: any Clock = SystemClock()) { company = CommitCompany(clock) }
}

// MARK: - Alone

extension CommitPipeline {
  /// Takes the lead if nobody has it nor waits for it; ``endLead()`` must follow.
  @inline(__always)
  func tryLead() -> Bool {
    leadership.compareExchange(
      expected: Self.free, desired: Self.taken, ordering: .acquiring
    ).exchanged
  }

  /// Whether a synced write does better to stand in line than to lead at once.
  var isCompanyExpected: Bool { company.isExpected }

  /// Gives the lead to whoever waits for it.
  @inline(__always)
  func endLead() {
    let isAwaited = !leadership.compareExchange(
      expected: Self.taken, desired: Self.free, ordering: .releasing
    ).exchanged
    if isAwaited { endLead(of: [], count: 1) }
  }
}

// MARK: - In line

extension CommitPipeline {
  /// Puts `request` in line and returns when its group was led, by this thread or another.
  ///
  /// - Parameter lead: does the work of one group and sets each outcome.
  func submit(_ request: CommitRequest, lead: ([CommitRequest]) -> Void) throws(StoreError) {
    waiting.withLock { waiting in
      waiting.append(request)
      lineLength.store(waiting.count, ordering: .relaxed)
    }
    while let group = join(request) {
      lead(group)
      endLead(of: group, count: group.count)
    }
    if let failure = request.failure { throw failure }
  }

  /// Waits until `request` is done (nil) or this thread must lead the group returned.
  private func join(_ request: CommitRequest) -> [CommitRequest]? {
    let isLeading = waiting.withLock(when: { _ in request.isDone || takeLead() }) { _ in
      !request.isDone
    }
    guard isLeading else { return nil }
    if request.isSynced { company.gather { lineLength.load(ordering: .relaxed) } }
    return waiting.withLock { waiting in
      defer { lineLength.store(waiting.count, ordering: .relaxed) }
      return Self.takeGroup(from: &waiting)
    }
  }

  /// Takes the lead, or sees to it that whoever has it wakes the line. Under the line's lock, which
  /// the leader takes before it wakes: so it cannot come between this answer and the sleep.
  private func takeLead() -> Bool {
    while true {
      if tryLead() { return true }
      let now = leadership.compareExchange(
        expected: Self.taken, desired: Self.awaited, ordering: .relaxed)
      if now.exchanged || now.original == Self.awaited { return false }
      if now.original == Self.offered {
        // Only those who hold the lock change this state.
        leadership.store(Self.taken, ordering: .relaxed)
        return true
      }
    }
  }

  private func endLead(of group: [CommitRequest], count: Int) {
    waiting.withLock { waiting in
      for member in group { member.isDone = true }
      company.note(led: count, inLine: waiting.count)
      leadership.store(waiting.isEmpty ? Self.free : Self.offered, ordering: .releasing)
    }
    waiting.broadcast()
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
