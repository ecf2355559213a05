import VarveFormat
import VarvePlatform

/// The snapshots that exist, and the one place where "what is visible now" and "what must be kept"
/// are decided together.
///
/// A snapshot is taken, and the points a compaction must respect are listed, under one lock. So a
/// snapshot either stands in the list a compaction works with, or is at least as new as the visible
/// sequence of that list, which the compaction keeps whole.
final class SnapshotList: Sendable {
  private let counts = Monitor<[ReadPoint: Int]>([:])

  /// Registers a snapshot at what `now` returns, called under the lock.
  func register(at now: () -> ReadPoint) -> ReadPoint {
    counts.withLock { counts in
      let point = now()
      counts[point, default: 0] += 1
      return point
    }
  }

  func release(_ point: ReadPoint) {
    counts.withLock { counts in
      guard let count = counts[point] else { return }
      counts[point] = count > 1 ? count - 1 : nil
    }
  }

  /// Every registered point and, last, the one `now` returns, ascending.
  func points(now: () -> ReadPoint) -> [ReadPoint] {
    counts.withLock { counts in counts.keys.sorted() + [now()] }
  }

  var count: Int { counts.withLock { $0.values.reduce(0, +) } }
}
