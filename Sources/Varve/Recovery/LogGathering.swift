import Synchronization
import VarveFormat
import VarvePlatform

/// Surveys the logs that a crash left, several large ones by two threads, and gathers their entries on
/// the way.
struct LogGathering {
  /// Fewer bytes are not worth a thread.
  private static let sharedBytes = 4 << 20

  /// The logs, by their numbers.
  private let logs: [UInt64: GatheredLog]
  private let isShared: Bool

  /// - Parameters:
  ///   - sizes: bytes of each log that were ever written.
  ///   - memoryBytes: what gathered entries may take.
  init(_ sizes: [UInt64: Int], memoryBytes: Int, usesThreads: Bool) {
    let room = GatheringRoom(bytes: memoryBytes)
    logs = Dictionary(
      uniqueKeysWithValues: sizes.map { ($0, GatheredLog($0, bytes: $1, within: room)) })
    let bytes = sizes.values.reduce(0, +)
    isShared = usesThreads && bytes >= Self.sharedBytes && sizes.count > 1
  }

  var surveying: LogSurveying {
    LogSurveying(
      forEach: { [isShared] count, body in
        if isShared { Self.share(count, body) } else { for index in 0..<count { body(index) } }
      },
      visitor: { [logs] number in logs[number].map { log in { log.take($0) } } })
  }

  /// All entries of a log, if they were gathered.
  func entries(of log: UInt64) -> GatheredLog? { logs[log].flatMap { $0.isComplete ? $0 : nil } }

  /// Last ones first: a log is larger than the ones before it.
  private static func share(_ count: Int, _ body: @Sendable (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      let work = SharedCount(count)
      let other = try? WorkerThread(name: "varve-survey") {
        while let index = work.next() { body(index) }
      }
      while let index = work.next() { body(index) }
      other?.join()
    }
  }
}

/// Numbers below a count, each given away once, the largest first.
private final class SharedCount: Sendable {
  private let left: Atomic<Int>

  init(_ count: Int) { left = Atomic(count) }

  func next() -> Int? {
    let index = left.subtract(1, ordering: .relaxed).newValue
    return index >= 0 ? index : nil
  }
}
