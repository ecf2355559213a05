import VarvePlatform

// Reads for tasks. What is on this machine is read at once, on the caller's thread; only what lies in the bucket is
// left to a thread that may wait.

extension Keyspace {
  /// A copy of the value of `key`, as ``value(for:)``, without keeping a thread of Swift's pool waiting where it
  /// lies in the bucket: such a read is done on a thread of the store's own.
  ///
  /// - Throws: `StoreError`; `CancellationError` where the task was cancelled before the read began.
  public func fetchValue<Key: StoreKey & Sendable>(
    for key: Key, at snapshot: Snapshot? = nil
  ) async throws -> [UInt8]? {
    try await engine.readWithoutWaiting {
      guard let snapshot else { return try self.value(for: key) }
      return try snapshot.value(for: key, in: self)
    }
  }

  /// Copies of the values of many keys, as ``values(for:)``, all as of one moment.
  public func fetchValues<Key: StoreKey & Sendable>(
    for keys: [Key], at snapshot: Snapshot? = nil
  ) async throws -> [[UInt8]?] {
    try await engine.readWithoutWaiting {
      guard let snapshot else { return try self.values(for: keys) }
      return try snapshot.values(for: keys, in: self)
    }
  }
}

extension SegmentStore {
  /// Runs `body`, which reads this store (a scan for instance), on a thread that may wait for the bucket.
  ///
  /// - Throws: what `body` throws; `CancellationError` where the task was cancelled before it began.
  public func withReadThread<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result { try await engine.onReadThread(body) }
}

extension Engine {
  /// Reads at once where nothing has to be waited for; on a thread that may wait else.
  fileprivate func readWithoutWaiting<Result: Sendable>(
    _ read: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    guard options.bucket != nil else { return try read() }
    do {
      return try Waiting.refused(read)
    } catch let error as StoreError where error.code == .waits {
      return try await onReadThread(read)
    }
  }

  fileprivate func onReadThread<Result: Sendable>(
    _ read: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    let turn = ReadTurn<Result>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        turn.begin(continuation)
        readThreads.run { turn.answer(to: read) }
      }
    } onCancel: {
      turn.cancel()
    }
  }
}

/// One read of a task: done by a thread, or cancelled before one came to it.
private final class ReadTurn<Result: Sendable>: Sendable {
  private enum Phase {
    case new
    case cancelled
    case waiting(CheckedContinuation<Result, any Error>)
    case over
  }

  private let phase = Monitor(Phase.new)

  func begin(_ continuation: CheckedContinuation<Result, any Error>) {
    let isCancelled = phase.withLock { phase in
      if case .cancelled = phase { return true }
      phase = .waiting(continuation)
      return false
    }
    if isCancelled { continuation.resume(throwing: CancellationError()) }
  }

  /// Reads, and returns what tells the task of it.
  func answer(to read: () throws -> Result) -> ReadThreads.Answer {
    guard let continuation = claim(orBecome: .over) else { return {} }
    let result = Swift.Result { try read() }
    return { continuation.resume(with: result) }
  }

  func cancel() { claim(orBecome: .cancelled)?.resume(throwing: CancellationError()) }

  private func claim(orBecome other: sending Phase) -> CheckedContinuation<Result, any Error>? {
    phase.withLock { phase in
      guard case .waiting(let continuation) = phase else {
        if case .new = phase { phase = other }
        return nil
      }
      phase = .over
      return continuation
    }
  }
}
