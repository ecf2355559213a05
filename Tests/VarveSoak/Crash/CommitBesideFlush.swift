import Foundation
import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A commit by one thread while another flushes: the flush has ended the value file that the commit needs
/// to be durable, and no manifest names it yet.
///
/// ```
///   background   make a spare log     | seal values | make the segment ... waits ... | manifest
///   writer                 put large, | flush         put, synced; acknowledged; power cut
///                          buffered   | into the spare
/// ```
enum CommitBesideFlush {
  private static let large = [UInt8](repeating: 7, count: 3_000)

  /// The moment could not be brought about.
  struct NotSetUp: Error { var reason: String }

  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    let images = try images(preparing: prepare)
    do { return try failure(of: images) } catch { return "a commit beside a flush: \(error)" }
  }

  /// Every way in which the machine could come back.
  private static func images(
    preparing prepare: (SimulatedFileSystem) -> Void
  ) throws -> [(CrashMode, SimulatedFileSystem)] {
    let system = SimulatedFileSystem()
    prepare(system)
    let store = try SegmentStore.open(
      at: "store", options: .small,
      components: StoreComponents(
        fileSystem: system, clock: SimulatedClock(), random: SimulatedRandom(seed: 7),
        background: .threads))
    guard try fillUntilSpare(store, system) else {
      throw NotSetUp(reason: "no log was made ready ahead")
    }
    try store.keyspace("default").put("large", large, durability: .buffered)
    let flush = Monitor((hasBegun: false, mayGoOn: false))
    system.observeSteps { step in
      guard step.operation == .create, step.name.hasPrefix("segment-") else { return }
      flush.withLock { $0.hasBegun = true }
      flush.broadcast()
      flush.withLock(when: { $0.mayGoOn }) { _ in }
    }
    let flusher = try WorkerThread(name: "flush") { try? store.flush() }
    let deadline = SystemClock().monotonicNanoseconds() + 60_000_000_000
    guard flush.wait(until: deadline, for: { $0.hasBegun }) else {
      flush.withLock { $0.mayGoOn = true }
      flush.broadcast()
      flusher.join()
      throw NotSetUp(reason: "the flush made no segment")
    }
    try store.keyspace("default").put("small", [1])
    let images = CrashMode.allCases.map { ($0, system.crashImage($0, seed: 1)) }
    flush.withLock { $0.mayGoOn = true }
    flush.broadcast()
    flusher.join()
    system.observeSteps(nil)
    try? store.close()
    return images
  }

  private static func failure(of images: [(CrashMode, SimulatedFileSystem)]) throws -> String? {
    for (mode, image) in images {
      let again = try CrashWorkload.open(image)
      let found = try CrashWorkload.content(of: again)["default"] ?? [:]
      guard found[Array("large".utf8)] == large, found[Array("small".utf8)] == [1] else {
        return "a commit beside a flush: \(mode): what was acknowledged is gone"
      }
    }
    return nil
  }

  /// Fills the log until the next one is ready, its name durable: the sync for that would make other names
  /// durable, too. False where that never happens; where that sync is left out, the name alone will do.
  private static func fillUntilSpare(
    _ store: SegmentStore, _ system: SimulatedFileSystem
  ) throws -> Bool {
    let keyspace = try store.keyspace("default")
    for number in 0..<12 {
      try keyspace.put("filler \(number)", [UInt8](repeating: 1, count: 900), durability: .buffered)
    }
    var patience = 1_000
    for _ in 0..<60_000 where patience > 0 {
      if logs(of: system) > 1 {
        if logs(of: system.crashImage(.durableOnly)) > 1 { return true }
        patience -= 1
      }
      usleep(1_000)
    }
    return patience == 0
  }

  private static func logs(of system: SimulatedFileSystem) -> Int {
    system.contents().keys.count { $0.contains("log-") }
  }
}
