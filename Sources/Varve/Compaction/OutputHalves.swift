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
