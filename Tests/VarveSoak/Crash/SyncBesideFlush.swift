import Varve
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// A sync by one thread while another flushes: the flush has ended the value file that is to be durable, and
/// no manifest names it yet.
///
/// ```
///   one      fill until a spare log is ready | put large, | flush: seal values | make the segment ... | manifest
///   another                                    buffered                        | sync; acknowledged; power cut
/// ```
///
/// The other does nothing but the sync, and the first waits for it: what happens does not depend on time.
enum SyncBesideFlush {
  private static let large = [UInt8](repeating: 7, count: 3_000)

  /// The moment could not be brought about.
  struct NotSetUp: Error { var reason: String }

  /// What was lost; nil where nothing was.
  static func failure(preparing prepare: (SimulatedFileSystem) -> Void) throws -> String? {
    let images = try images(preparing: prepare)
    do { return try failure(of: images) } catch { return "a sync beside a flush: \(error)" }
  }

  /// Every way in which the machine could come back.
  private static func images(
    preparing prepare: (SimulatedFileSystem) -> Void
  ) throws -> [(CrashMode, SimulatedFileSystem)] {
    let system = SimulatedFileSystem()
    prepare(system)
    let store = try CrashWorkload.open(system)
    let keyspace = try store.keyspace("default")
    try fillUntilSpare(keyspace, system)
    try keyspace.put("large", large, durability: .buffered)
    let images = Monitor<[(CrashMode, SimulatedFileSystem)]>([])
    system.observeSteps { step in
      guard step.operation == .create, step.name.hasPrefix("segment-") else { return }
      let isAcknowledged = Monitor(false)
      let other = try? WorkerThread(name: "sync") {
        let done: Void? = try? store.sync()
        isAcknowledged.withLock { $0 = done != nil }
      }
      other?.join()
      guard isAcknowledged.withLock({ $0 }) else { return }
      images.withLock { $0 = CrashMode.allCases.map { ($0, system.crashImage($0, seed: 1)) } }
    }
    try store.flush()
    system.observeSteps(nil)
    try? store.close()
    let found = images.withLock { $0 }
    guard !found.isEmpty else { throw NotSetUp(reason: "nothing was acknowledged") }
    return found
  }

  private static func failure(of images: [(CrashMode, SimulatedFileSystem)]) throws -> String? {
    for (mode, image) in images {
      let again = try CrashWorkload.open(image)
      let found = try CrashWorkload.content(of: again)["default"] ?? [:]
      guard found[Array("large".utf8)] == large else {
        return "a sync beside a flush: \(mode): what was acknowledged is gone"
      }
    }
    return nil
  }

  /// Fills the log until the next one is ready, its name durable: the sync for that would make other names
  /// durable, too.
  private static func fillUntilSpare(
    _ keyspace: Keyspace, _ system: SimulatedFileSystem
  ) throws {
    for number in 0..<12 {
      try keyspace.put("filler \(number)", [UInt8](repeating: 1, count: 900), durability: .buffered)
    }
    guard system.contents().keys.count(where: { $0.contains("log-") }) > 1 else {
      throw NotSetUp(reason: "no log was made ready ahead")
    }
  }
}
