import Synchronization
import VarveFormat
import VarvePlatform

/// Batches on their way from the log on disk into one of the bucket.
///
/// ```
///   segments in the bucket | logs in the bucket | waiting ......... | next
///                                         position ^     ^ from
/// ```
///
/// Without a gap between what the bucket has and what waits, that is what the next log holds. With one, since
/// more came than may wait or since the store was just opened, files must be put first.
final class LogBacklog: Sendable {
  private struct State {
    var waiting: [BucketLog.Batch] = []
    var bytes = 0
    /// From this entry on none is missing.
    var from: UInt64
    /// The next entry to be written.
    var next: UInt64
    /// The last entry that the bucket has; nil until it is known to have what this directory has.
    var position: UInt64?
  }

  /// Bytes of batches that may wait.
  static let mostBytes = 64 << 20

  struct Failure: Sendable {
    var attempt: UInt64
    var error: StoreError
  }

  /// Held while a log is put, by those who all want that. What failed last.
  let putting = Monitor<Failure?>(nil)
  private let attemptCount = Atomic<UInt64>(0)
  private let state: Monitor<State>

  /// - Parameter last: the last entry that was written before the store was opened.
  init(after last: SequenceNumber) {
    state = Monitor(State(from: last.rawValue + 1, next: last.rawValue + 1))
  }

  /// How many attempts to put a log were begun.
  var attempts: UInt64 { attemptCount.load(ordering: .acquiring) }

  func beginAttempt() -> UInt64 { attemptCount.add(1, ordering: .acquiringAndReleasing).newValue }

  /// Whether something was written, here or before the store was opened, that the bucket may not have.
  var isBehind: Bool {
    state.withLock { state in state.position.map { $0 + 1 < state.next } ?? true }
  }

  /// Bytes that wait.
  var bytes: Int { state.withLock { $0.bytes } }

  /// Takes a batch that is in the log on disk. In order. Returns the bytes that wait.
  func take(_ batch: BatchEncoder, first: SequenceNumber) -> Int {
    state.withLock { state in
      state.next = first.rawValue + UInt64(batch.count)
      guard state.bytes + batch.byteCount <= Self.mostBytes else {
        (state.waiting, state.bytes, state.from) = ([], 0, state.next)
        return 0
      }
      state.waiting.append(
        BucketLog.Batch(first: first, count: UInt64(batch.count), payload: batch.payload))
      state.bytes += batch.byteCount
      return state.bytes
    }
  }

  /// Whether the bucket has every entry up to `sequence`.
  func reaches(_ sequence: UInt64) -> Bool {
    state.withLock { $0.position.map { $0 >= sequence } ?? false }
  }

  /// What the next log holds: one batch at least, and as many as fit; nil where files must be put first.
  func nextLog() -> [BucketLog.Batch]? {
    state.withLock { state in
      guard let position = state.position, state.from <= position + 1, !state.waiting.isEmpty else {
        return nil
      }
      var bytes = 0
      let count = state.waiting.prefix { batch in
        defer { bytes += batch.payload.count }
        return bytes < BucketLog.fullBytes
      }.count
      return Array(state.waiting.prefix(count))
    }
  }

  /// The bucket has everything up to `sequence`.
  func reach(_ sequence: SequenceNumber) {
    state.withLock { state in
      state.position = max(state.position ?? 0, sequence.rawValue)
      let done = state.waiting.prefix { $0.last <= sequence }
      state.bytes -= done.reduce(0) { $0 + $1.payload.count }
      state.waiting.removeFirst(done.count)
    }
  }
}
