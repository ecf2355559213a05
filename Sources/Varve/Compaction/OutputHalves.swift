import VarvePlatform

/// Half of an output that another thread writes.
private final class OtherHalf: @unchecked Sendable {
  // @unchecked: the thread works alone on it until it has been joined.
  private let body: () throws(StoreError) -> SegmentOutput.Result
  private var result: Result<SegmentOutput.Result, StoreError>?
  private var thread: WorkerThread?

  private init(_ body: @escaping () throws(StoreError) -> SegmentOutput.Result) {
    self.body = body
  }

  /// Nil where the system starts no further thread.
  static func begin(
    _ name: String, _ body: @escaping () throws(StoreError) -> SegmentOutput.Result
  ) -> OtherHalf? {
    let half = OtherHalf(body)
    half.thread = try? WorkerThread(name: name) { [unowned half] in
      half.result = Result { () throws(StoreError) in try half.body() }
    }
    return half.thread == nil ? nil : half
  }

  /// What came of it, once the thread is done.
  func finish() -> Result<SegmentOutput.Result, StoreError> {
    thread?.join()
    guard let result else { preconditionFailure("the thread ended without a result") }
    return result
  }
}

extension Engine {
  /// Writes two halves side by side, the second one by a thread called `name`; nothing is left of
  /// either where one fails. Nil, and nothing written, where the system starts no further thread.
  ///
  /// Where both fail, `.poisoned` is what is thrown, whichever half it is of: it stops more than this.
  func write(
    _ first: () throws(StoreError) -> SegmentOutput.Result,
    and second: @escaping () throws(StoreError) -> SegmentOutput.Result, by name: String
  ) throws(StoreError) -> SegmentOutput.Result? {
    guard let other = OtherHalf.begin(name, second) else { return nil }
    let halves = [Result { () throws(StoreError) in try first() }, other.finish()]
    let failures = halves.compactMap(\.failure)
    if let failure = failures.first(where: { $0.code == .poisoned }) ?? failures.first {
      for case .success(let half) in halves { remove(half, keeping: [], after: failure) }
      throw failure
    }
    return (try halves[0].get()).joined(by: try halves[1].get())
  }
}

extension Result where Failure == StoreError {
  fileprivate var failure: StoreError? {
    if case .failure(let failure) = self { failure } else { nil }
  }
}

extension SegmentOutput.Result {
  /// Both together.
  func joined(by other: Self) -> Self {
    var sum = self
    sum.segments += other.segments
    sum.valueFiles += other.valueFiles
    sum.bytes += other.bytes
    sum.lastSequence = max(lastSequence, other.lastSequence)
    return sum
  }
}
